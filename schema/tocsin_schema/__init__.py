"""What tocsin's agent and collector must agree on. Standard library only, and cheap to import in the agent."""

__version__ = "0.1.0"
