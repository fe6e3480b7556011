// franz-go behind the two commands of the README two folders up.
package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ottla/tests/clients/record"
)

var codecs = map[string]kgo.CompressionCodec{
	"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
}

func produce(bootstrap, topic, codec string) (int, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ProducerBatchCompression(codecs[codec]), kgo.RecordDeliveryTimeout(record.Patience), kgo.AllowAutoTopicCreation())
	if err != nil {
		return 0, err
	}
	defer client.Close()
	var lock sync.Mutex
	var refused error
	count := 0
	err = record.Read(func(line record.Record) error {
		sent := &kgo.Record{Topic: topic, Key: record.Bytes(line.Key), Value: record.Bytes(line.Value)}
		for _, header := range line.Headers {
			sent.Headers = append(sent.Headers, kgo.RecordHeader{Key: header[0], Value: []byte(header[1])})
		}
		client.Produce(context.Background(), sent, func(_ *kgo.Record, err error) {
			lock.Lock()
			defer lock.Unlock()
			if err != nil {
				refused = err
			}
		})
		count++
		return nil
	})
	if err == nil {
		err = client.Flush(context.Background())
	}
	if err == nil {
		lock.Lock()
		defer lock.Unlock()
		err = refused
	}
	return count, err
}

func consume(bootstrap, topic, group string, count int) (int, error) {
	assigned := make(chan struct{}, 16)
	client, err := kgo.NewClient(kgo.SeedBrokers(bootstrap), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.Balancers(kgo.RangeBalancer()),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { assigned <- struct{}{} }))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	seen, joined, last, patience := 0, false, time.Now(), record.Patience
	if count == 0 {
		patience = record.Idle
	}
	for count == 0 || seen < count {
		poll, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		fetches := client.PollFetches(poll)
		cancel()
		for _, failure := range fetches.Errors() {
			if failure.Err != context.DeadlineExceeded {
				return seen, fmt.Errorf("%s-%d: %w", failure.Topic, failure.Partition, failure.Err)
			}
		}
		fetches.EachRecord(func(one *kgo.Record) {
			line := record.Record{Partition: one.Partition, Offset: one.Offset, Timestamp: one.Timestamp.UnixMilli(), Key: record.Text(one.Key), Value: record.Text(one.Value)}
			for _, header := range one.Headers {
				line.Headers = append(line.Headers, [2]string{header.Key, string(header.Value)})
			}
			record.Write(line)
			seen++
			last = time.Now()
		})
		select {
		case <-assigned:
			joined = true
		default:
		}
		if count == 0 && !joined {
			last = time.Now()
		}
		if time.Since(last) > patience {
			break
		}
	}
	return seen, client.CommitUncommittedOffsets(context.Background())
}

func main() { record.Main(produce, consume) }
