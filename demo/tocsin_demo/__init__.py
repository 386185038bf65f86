"""tocsin's demo: a real model on real flights, watched from its first request to its alarm."""
