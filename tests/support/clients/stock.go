// Go's own client as it comes.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	url, key, body := os.Args[1], os.Args[2], os.Args[3]
	rows := url + "/models/toy/invocations"
	ask := func(method, address string, content io.Reader, expect bool) {
		request, err := http.NewRequest(method, address, content)
		if err != nil {
			panic(err)
		}
		request.Header.Set("Authorization", "Bearer "+key)
		request.Header.Set("Content-Type", "application/json")
		if expect {
			request.Header.Set("Expect", "100-continue")
		}
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			panic(err)
		}
		defer reply.Body.Close()
		text, _ := io.ReadAll(reply.Body)
		if reply.StatusCode != 200 {
			text = nil
		}
		fmt.Printf("%d %s\n", reply.StatusCode, strings.TrimSpace(string(text)))
	}
	ask("GET", url+"/ping", nil, false)
	ask("POST", rows, strings.NewReader(body), false)
	ask("POST", rows, strings.NewReader(body), true)
	ask("POST", rows, io.MultiReader(strings.NewReader(body)), false)
	ask("POST", url+"/nothing", strings.NewReader(body), false)
	ask("POST", rows, strings.NewReader(body), false)
}
