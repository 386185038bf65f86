"""The life of the models: events fall into windows, labels find their predictions, closed windows are judged."""
