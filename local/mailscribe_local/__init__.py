"""mailscribe on one machine: the embedded stores, the stack of `mailscribe up`, the command line."""
