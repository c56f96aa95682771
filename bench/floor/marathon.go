package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const marathonTimeout = 5 * time.Minute

// fetchApps does the least that looking at a Marathon's apps can cost: one GET of all of
// them, decoded. It returns how many there are.
func fetchApps(url string) (int, error) {
	client := http.Client{Timeout: marathonTimeout}
	resp, err := client.Get(url + "/v2/apps")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var list struct {
		Apps []map[string]any `json:"apps"`
	}
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("Marathon answered %s", resp.Status)
	}
	err = json.NewDecoder(resp.Body).Decode(&list)
	return len(list.Apps), err
}
