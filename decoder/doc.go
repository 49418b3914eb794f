// Package decoder turns a checkpoint archive into a model of the container:
// its processes with their threads, registers and mappings, the files they
// had open, and what the engine wrote beside.
//
// # What an archive holds
//
// An archive as Podman and CRI-O export it; a bare dump of CRIU or runc is
// what stands below checkpoint/:
//
//	config.dump             the engine's configuration of the container (JSON)
//	spec.dump               the OCI runtime specification (JSON)
//	network.status          its addresses (JSON)
//	status.dump, status     its state, by containerd (JSON)
//	ctr.log                 what it printed
//	stats-dump              the statistics of the dump
//	rootfs-diff.tar         files that the container changed
//	devshm-checkpoint.tar   what was in /dev/shm
//	deleted.files           paths that it deleted (JSON)
//	checkpoint/
//	  inventory.img         version of the images
//	  pstree.img            which processes there are, and their threads
//	  core-<tid>.img        registers, credentials and signals of a thread
//	  mm-<pid>.img          mappings of a process
//	  pagemap-<pid>.img     which of its pages were captured
//	  pages-<id>.img        the captured pages, one behind the other
//	  ids-<pid>.img         which tables and namespaces it uses
//	  fs-<pid>.img          its root and working directory
//	  files.img             everything that was open or mapped
//	  remap-fpath.img       which of it was deleted, and where that is kept
//	  ghost-file-<id>.img   the content of a file that was deleted while in use
//	  memfd.img             names and sizes of memory files
//	  ipcns-shm-<ns>.img    SysV shared-memory segments
//	  pagemap-shmem-<id>.img  which pages of a shared-memory object were captured
//	  ipcns-msg-<ns>.img    messages in SysV queues
//	  pipes-data.img        bytes in pipes; those in FIFOs are in fifo-data.img
//	  sk-queues.img         messages that UNIX sockets had not received
//	  tcp-stream-<ino>.img  the queues of a TCP connection
//	  tty-data.img          bytes in terminals
//	  tmpfs-dev-<dev>.tar.gz.img  what was in a tmpfs
//	  parent                link to the images that an incremental dump refers to
//	  mountpoints-<ns>.img  the mount table
//	  utsns-<ns>.img        the host name
//	  netdev-<ns>.img, ifaddr-, route-, rule-, nftables-<ns>.img ...  the network, where it is the container's own
//
// A checkpoint may be wrapped, and what it is wrapped in is told by content
// (source.go): by nothing, or a folder (folders.go); an OCI image layout
// (ociimage.go), with the archive's members in a layer (layersearch.go) or in
// containerd's parts (containerd.go); a docker-archive (dockerarchive.go); the
// folder of a Docker container (docker.go). From there on all are the same.
//
// Where the bytes of a mapping are is thus spread over many places: pages
// images (capture.go), those of parents (parents.go), shared-memory objects
// (shmem.go) and files (backing.go). What has no name among the container's
// files, deleted ones and bytes on their way, is in objects.go and queues.go.
//
// # How it is decoded
//
// [Open] decodes what is small and never touches a page. What is damaged or
// missing becomes a warning and costs what depends on it; the rest is a
// usable [Checkpoint]. The images' messages stay in this package: nothing
// above it knows protobuf. Package imagejson shows all that an image says, also
// what is of no use to the model.
//
// Every byte of an archive is hostile. Sizes are claims until the bytes are
// there, ids may refer to nothing, ranges may wrap or overlap; the model that
// comes out has none of that: its mappings are sorted and disjoint, its page
// runs lie behind one another and add up to the pages image.
package decoder
