// Package examples shows how to pass the statistics of a loop on: to expvar, to Prometheus
// and to OpenTelemetry. It is a module of its own, so that the library depends on none of
// them. Copy what you need.
package examples
