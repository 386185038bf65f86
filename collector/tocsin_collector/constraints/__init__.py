"""The rules that users give a model: kept on disk, put and shown over HTTP. What they are is in quality/rules."""
