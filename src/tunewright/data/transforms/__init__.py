"""What can be done to the texts of examples before they are stored."""
