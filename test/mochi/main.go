// The MQTT broker mochi as a program, for the tests: its own one lets everybody in, or wants a configuration of every store that there is.
package main

import (
	"encoding/json"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"
	"github.com/mochi-mqtt/server/v2/listeners"
)

type settings struct {
	Listen string
	// As mochi's documentation has it: users with their passwords, and who may read and write what.
	Ledger auth.Ledger
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: mochi SETTINGS.json")
	}
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var given settings
	if err := json.Unmarshal(text, &given); err != nil {
		log.Fatal(err)
	}
	server := mqtt.New(&mqtt.Options{Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err := server.AddHook(new(auth.Hook), &auth.Options{Ledger: &given.Ledger}); err != nil {
		log.Fatal(err)
	}
	if err := server.AddListener(listeners.NewTCP(listeners.Config{ID: "tcp", Address: given.Listen})); err != nil {
		log.Fatal(err)
	}
	if err := server.Serve(); err != nil {
		log.Fatal(err)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGINT, syscall.SIGTERM)
	<-ended
	_ = server.Close()
}
