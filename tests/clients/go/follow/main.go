// sarama behind the command `follow` of the README two folders up.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"ottla/tests/clients/record"
)

type line struct {
	Topic string `json:"topic"`
	record.Record
}

var output sync.Mutex

func say(one any) {
	text, err := json.Marshal(one)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	fmt.Println(string(text))
}

type follower struct{}

// Setup tells which partitions are read.
func (follower) Setup(session sarama.ConsumerGroupSession) error {
	assigned := [][]any{}
	for topic, partitions := range session.Claims() {
		for _, partition := range partitions {
			assigned = append(assigned, []any{topic, partition})
		}
	}
	sort.Slice(assigned, func(a, b int) bool { return fmt.Sprint(assigned[a]...) < fmt.Sprint(assigned[b]...) })
	say(map[string]any{"assigned": assigned})
	return nil
}

// Cleanup commits before the partitions are given away, so that nobody reads a record again.
func (follower) Cleanup(session sarama.ConsumerGroupSession) error {
	session.Commit()
	return nil
}

func (follower) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for one := range claim.Messages() {
		text := record.Record{Partition: one.Partition, Offset: one.Offset, Timestamp: one.Timestamp.UnixMilli(), Key: record.Text(one.Key), Value: record.Text(one.Value), Headers: [][2]string{}}
		for _, header := range one.Headers {
			text.Headers = append(text.Headers, [2]string{string(header.Key), string(header.Value)})
		}
		say(line{Topic: one.Topic, Record: text})
		session.MarkMessage(one, "")
	}
	return nil
}

func main() {
	if len(os.Args) != 5 || os.Args[1] != "follow" {
		fmt.Fprintln(os.Stderr, "usage: follow BOOTSTRAP TOPIC,TOPIC GROUP")
		os.Exit(2)
	}
	bootstrap, topics, group := os.Args[2], strings.Split(os.Args[3], ","), os.Args[4]
	config := sarama.NewConfig()
	config.Version = sarama.V4_0_0_0
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Interval = 200 * time.Millisecond
	config.Consumer.Group.Session.Timeout = 10 * time.Second
	config.Consumer.Group.Heartbeat.Interval = time.Second
	// A broker whose machine is gone answers nothing, not even that it is gone: half a minute is long to find out.
	config.Net.DialTimeout = 5 * time.Second
	config.Net.ReadTimeout = 15 * time.Second
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	working, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	for working.Err() == nil {
		if err := run(working, bootstrap, topics, group, config); err != nil && working.Err() == nil {
			// The broker is away: it comes back, and so do we.
			fmt.Fprintln(os.Stderr, err)
			time.Sleep(500 * time.Millisecond)
		}
	}
}

func run(working context.Context, bootstrap string, topics []string, group string, config *sarama.Config) error {
	consumer, err := sarama.NewConsumerGroup([]string{bootstrap}, group, config)
	if err != nil {
		return err
	}
	defer func() { _ = consumer.Close() }()
	for working.Err() == nil {
		if err := consumer.Consume(working, topics, follower{}); err != nil {
			return err
		}
	}
	return nil
}
