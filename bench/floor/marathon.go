package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const marathonTimeout = 5 * time.Minute

// fetchApps does the least that looking at a Marathon's apps can cost: one GET of all of
// them, decoded. It returns how many there are.
func fetchApps(url string) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), marathonTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/v2/apps", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var list struct {
		Apps []map[string]any `json:"apps"`
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s answered %s", url, resp.Status)
	}
	err = json.NewDecoder(resp.Body).Decode(&list)
	return len(list.Apps), err
}
