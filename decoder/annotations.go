package decoder

import (
	"cmp"
	"strings"
)

// Engines say in the annotations of an OCI image what checkpoint it holds.
//
// Sources: podman, pkg/checkpoint/crutils and libpod/define/annotations.go;
// cri-o, internal/annotations/checkpoint.go; checkpointctl,
// lib/annotations.go.
var checkpointAnnotations = []struct{ prefix, engine string }{
	{"io.podman.annotations.checkpoint.", "Podman"},
	{"io.kubernetes.cri-o.annotations.checkpoint.", "CRI-O"},
	{"org.criu.checkpoint.", ""}, // which has a key for it
}

// annotationFacts are the facts in the annotations of an OCI image.
func annotationFacts(annotations map[string]string) func(*loader, *Container) {
	return func(l *loader, c *Container) {
		for _, known := range checkpointAnnotations {
			values := make(map[string]string)
			for key, value := range annotations {
				if short, ok := strings.CutPrefix(key, known.prefix); ok {
					values[short] = value
				}
			}
			if len(values) == 0 {
				continue
			}
			pod := Pod{Namespace: values["pod.namespace"], Name: values["pod.name"], UID: values["pod.uid"], ID: values["pod.id"]}
			facts := Container{
				Name:    cmp.Or(values["name"], values["container.name"]),
				Image:   cmp.Or(values["rootfsImageName"], values["rootfsImageUserRequested"], values["rawImageName"]),
				ImageID: cmp.Or(values["rootfsImageID"], values["rootfsImageSha"]),
				Runtime: values["runtime.name"],
				Engine:  cmp.Or(known.engine, values["engine.name"]),
			}
			if pod != (Pod{}) {
				facts.Pod = &pod
			}
			facts.addTo(l, c)
		}
		for key, value := range annotations {
			if isCheckpointAnnotation(key) {
				if c.ImageAnnotations == nil {
					c.ImageAnnotations = make(map[string]string)
				}
				c.ImageAnnotations[key] = value
			}
		}
	}
}

// hasCheckpointAnnotation tells whether an image says that it is a checkpoint.
func hasCheckpointAnnotation(annotations map[string]string) bool {
	for key := range annotations {
		if isCheckpointAnnotation(key) {
			return true
		}
	}
	return false
}

func isCheckpointAnnotation(key string) bool {
	for _, known := range checkpointAnnotations {
		if strings.HasPrefix(key, known.prefix) {
			return true
		}
	}
	return false
}
