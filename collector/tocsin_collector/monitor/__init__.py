"""The life of the models: events fall into windows of event time, labels find their predictions, closed windows are judged."""
