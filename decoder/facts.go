package decoder

import "cmp"

// addTo fills in what is not known of a container yet.
func (c Container) addTo(_ *loader, to *Container) {
	for _, f := range []struct {
		to   *string
		text string
	}{
		{&to.ID, c.ID},
		{&to.Name, c.Name},
		{&to.Image, c.Image},
		{&to.ImageID, c.ImageID},
		{&to.Runtime, c.Runtime},
		{&to.Engine, c.Engine},
	} {
		*f.to = cmp.Or(*f.to, f.text)
	}
	if to.Spec == nil {
		to.Spec = c.Spec
	}
	if to.Pod == nil {
		to.Pod = c.Pod
	}
}
