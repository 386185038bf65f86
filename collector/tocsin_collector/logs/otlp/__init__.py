"""OTLP logs over HTTP, in protobuf and in JSON (OpenTelemetry protocol 1.x): into log records, and its own answers."""
