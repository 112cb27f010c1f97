package main

import "testing"

func TestRegionOf(t *testing.T) {
	t.Parallel()
	for api, want := range map[string]string{
		"https://abcdefghij.execute-api.eu-central-1.amazonaws.com":          "eu-central-1",
		"https://abcdefghij.execute-api.eu-central-1.amazonaws.com/v1":       "eu-central-1",
		"https://abcdefghij.execute-api.cn-north-1.amazonaws.com.cn":         "cn-north-1",
		"http://127.0.0.1:4566/execute-api/PeopleApi":                        "",
		"https://keyward.example.com":                                        "",
		"https://abcdefghij.execute-api.eu-central-1.amazonaws.com.evil.com": "",
		"%": "",
	} {
		if got := regionOf(api); got != want {
			t.Errorf("region of %s = %q, want %q", api, got, want)
		}
	}
}
