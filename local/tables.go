package local

import (
	"fmt"

	"github.com/keyward/keyward/local/dynamodb"
	"github.com/keyward/keyward/local/dynamodb/expression"
	"github.com/keyward/keyward/local/events"
	"github.com/keyward/keyward/local/lambda"
	"github.com/keyward/keyward/local/stack"
)

// composeTables makes the tables and leads their streams to the functions that the template maps to them.
func (s *Server) composeTables() error {
	s.services.db = dynamodb.New(s.clock, s.stack.Region, s.stack.Account)
	key := func(k stack.Key) dynamodb.Key {
		return dynamodb.Key{Name: k.Name, Kind: expression.Kind(k.Type)}
	}
	sources, err := s.sources()
	if err != nil {
		return err
	}
	for _, t := range s.stack.Tables {
		table := dynamodb.Table{Name: t.Name, Partition: key(t.Partition), Sort: key(t.Sort), TimeToLive: t.Expiry}
		for _, i := range t.Indexes {
			table.Indexes = append(table.Indexes, dynamodb.Index{Name: i.Name, Partition: key(i.Partition), Sort: key(i.Sort)})
		}
		if t.Stream != "" {
			table.Stream = dynamodb.Stream{View: t.Stream, ARN: t.StreamARN, Feed: func(c dynamodb.Change) {
				for _, source := range sources[t.StreamARN] {
					source.Put(lambda.StreamRecord(c))
				}
			}}
		}
		if err := s.services.db.CreateTable(table); err != nil {
			return err
		}
	}
	if err := s.keep("dynamodb", s.services.db); err != nil {
		return err
	}
	return s.register(s.services.db.Service())
}

// sources are the template's event source mappings, by the stream that they read.
func (s *Server) sources() (map[string][]*lambda.Source, error) {
	sources := map[string][]*lambda.Source{}
	for _, m := range s.stack.Mappings {
		if err := s.mayRead(m); err != nil {
			return nil, fmt.Errorf("creating %s: %w", m.LogicalID, err)
		}
		mapping := lambda.Mapping{
			Name: m.LogicalID, Function: m.Function, Source: m.Source, Batch: m.Batch, Bisect: m.Bisect, Retries: m.Retries, Age: m.Age,
			Partial: m.Partial, Failed: m.Failed,
		}
		for _, f := range m.Filters {
			pattern, err := events.ParsePattern(f)
			if err != nil {
				return nil, fmt.Errorf("mapping %s: %w", m.LogicalID, err)
			}
			mapping.Matches = append(mapping.Matches, pattern.Matches)
		}
		source, err := s.lambda.Map(mapping)
		if err != nil {
			return nil, err
		}
		if err := s.keep("stream-"+m.LogicalID, source); err != nil {
			return nil, err
		}
		sources[m.Source] = append(sources[m.Source], source)
	}
	return sources, nil
}
