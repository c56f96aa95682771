package apply

// Truth is what became of the restarts of tasks that the plan predicted for updates of apps that are done.
type Truth struct {
	Restarts int `json:"restarts"` // predicted or observed
	Held     int `json:"held"`     // both
	// Differs are the updates of which another number than the predicted one was observed.
	Differs []TruthDiffers `json:"differs"`
}

// TruthDiffers is one update of an app.
type TruthDiffers struct {
	Subject   string `json:"subject"`
	Predicted int    `json:"predicted"`
	Observed  int    `json:"observed"`
}

// with adds what an event tells of restarts.
func (t *Truth) with(e Event) *Truth {
	if e.Restarts == nil {
		return t
	}
	if t == nil {
		t = &Truth{Differs: []TruthDiffers{}}
	}
	predicted, observed := e.Restarts.Predicted, e.Restarts.Observed
	t.Restarts += max(predicted, observed)
	t.Held += min(predicted, observed)
	if predicted != observed {
		t.Differs = append(t.Differs, TruthDiffers{Subject: e.Subject, Predicted: predicted, Observed: observed})
	}
	return t
}
