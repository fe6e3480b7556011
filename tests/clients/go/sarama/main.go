// sarama behind the two commands of the README two folders up.
package main

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"ottla/tests/clients/record"
)

var codecs = map[string]sarama.CompressionCodec{
	"none": sarama.CompressionNone, "gzip": sarama.CompressionGZIP, "snappy": sarama.CompressionSnappy, "lz4": sarama.CompressionLZ4, "zstd": sarama.CompressionZSTD,
}

func settings() *sarama.Config {
	config := sarama.NewConfig()
	config.Version = sarama.V4_0_0_0
	return config
}

func produce(bootstrap, topic, codec string) (int, error) {
	config := settings()
	config.Producer.RequiredAcks = sarama.WaitForAll
	config.Producer.Compression = codecs[codec]
	config.Producer.Return.Successes = true
	config.Producer.Flush.Frequency = 5 * time.Millisecond
	producer, err := sarama.NewAsyncProducer([]string{bootstrap}, config)
	if err != nil {
		return 0, err
	}
	count := 0
	var refused error
	var answers sync.WaitGroup
	answers.Add(2)
	go func() {
		defer answers.Done()
		for range producer.Successes() {
			count++
		}
	}()
	go func() {
		defer answers.Done()
		for failure := range producer.Errors() {
			refused = failure
		}
	}()
	err = record.Read(func(line record.Record) error {
		sent := &sarama.ProducerMessage{Topic: topic}
		if line.Key != nil {
			sent.Key = sarama.StringEncoder(*line.Key)
		}
		if line.Value != nil {
			sent.Value = sarama.StringEncoder(*line.Value)
		}
		for _, header := range line.Headers {
			sent.Headers = append(sent.Headers, sarama.RecordHeader{Key: []byte(header[0]), Value: []byte(header[1])})
		}
		producer.Input() <- sent
		return nil
	})
	producer.AsyncClose()
	answers.Wait()
	return count, errors.Join(err, refused)
}

// reader prints what it is given and ends the session once it has seen enough.
type reader struct {
	count int64
	seen  atomic.Int64
	last  atomic.Int64
	lock  sync.Mutex
	stop  context.CancelFunc
}

func (r *reader) Setup(sarama.ConsumerGroupSession) error {
	r.last.Store(time.Now().UnixMilli())
	return nil
}

func (r *reader) Cleanup(session sarama.ConsumerGroupSession) error {
	session.Commit()
	return nil
}

func (r *reader) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for one := range claim.Messages() {
		r.lock.Lock()
		if r.count > 0 && r.seen.Load() >= r.count {
			r.lock.Unlock()
			return nil
		}
		line := record.Record{Partition: one.Partition, Offset: one.Offset, Timestamp: one.Timestamp.UnixMilli(), Key: record.Text(one.Key), Value: record.Text(one.Value)}
		for _, header := range one.Headers {
			line.Headers = append(line.Headers, [2]string{string(header.Key), string(header.Value)})
		}
		record.Write(line)
		session.MarkMessage(one, "")
		seen := r.seen.Add(1)
		r.last.Store(time.Now().UnixMilli())
		r.lock.Unlock()
		if r.count > 0 && seen >= r.count {
			r.stop()
			return nil
		}
	}
	return nil
}

func consume(bootstrap, topic, group string, count int) (int, error) {
	config := settings()
	config.Consumer.Offsets.Initial = sarama.OffsetOldest
	config.Consumer.Offsets.AutoCommit.Enable = false
	config.Consumer.Group.Rebalance.GroupStrategies = []sarama.BalanceStrategy{sarama.NewBalanceStrategyRange()}
	consumer, err := sarama.NewConsumerGroup([]string{bootstrap}, group, config)
	if err != nil {
		return 0, err
	}
	working, stop := context.WithCancel(context.Background())
	one := &reader{count: int64(count), stop: stop}
	patience := record.Patience
	if count == 0 {
		patience = record.Idle
	}
	go func() {
		for working.Err() == nil {
			time.Sleep(50 * time.Millisecond)
			last := one.last.Load()
			if last > 0 && time.Since(time.UnixMilli(last)) > patience {
				stop()
			}
		}
	}()
	for working.Err() == nil {
		if err := consumer.Consume(working, []string{topic}, one); err != nil {
			return int(one.seen.Load()), err
		}
	}
	return int(one.seen.Load()), consumer.Close()
}

func main() { record.Main(produce, consume) }
