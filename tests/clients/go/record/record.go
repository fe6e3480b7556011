// Package record is a record as a line of JSON, and the two commands: what the Go clients share. See the README two folders up.
package record

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

// How long consume waits for a record before it gives up, and before it is content when no count was asked.
const (
	Patience = 60 * time.Second
	Idle     = 2 * time.Second
)

// Record is one line.
type Record struct {
	Partition int32       `json:"partition"`
	Offset    int64       `json:"offset"`
	Timestamp int64       `json:"timestamp"`
	Key       *string     `json:"key"`
	Value     *string     `json:"value"`
	Headers   [][2]string `json:"headers"`
}

// Read gives every record of standard input to send.
func Read(send func(Record) error) error {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	for lines.Scan() {
		var record Record
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			return err
		}
		if err := send(record); err != nil {
			return err
		}
	}
	return lines.Err()
}

// Write prints one consumed record.
func Write(record Record) {
	if record.Headers == nil {
		record.Headers = [][2]string{}
	}
	line, err := json.Marshal(record)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

// Bytes is the text's bytes, nil for null.
func Bytes(text *string) []byte {
	if text == nil {
		return nil
	}
	return []byte(*text)
}

// Text is the bytes' text, null for nil.
func Text(bytes []byte) *string {
	if bytes == nil {
		return nil
	}
	text := string(bytes)
	return &text
}

// Main calls what the command line asks for.
func Main(produce func(bootstrap, topic, codec string) (int, error), consume func(bootstrap, topic, group string, count int) (int, error)) {
	command, bootstrap, topic := os.Args[1], os.Args[2], os.Args[3]
	if command == "produce" {
		codec := "none"
		if len(os.Args) > 4 {
			codec = os.Args[4]
		}
		count, err := produce(bootstrap, topic, codec)
		exitOn(err)
		fmt.Printf("{\"acknowledged\": %d}\n", count)
		return
	}
	count, err := strconv.Atoi(os.Args[5])
	exitOn(err)
	seen, err := consume(bootstrap, topic, os.Args[4], count)
	exitOn(err)
	if seen < count {
		exitOn(fmt.Errorf("saw %d of %d records", seen, count))
	}
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
