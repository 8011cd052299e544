"""The only AWS adapters: S3, DynamoDB, EventBridge behind the ports of `mailscribe.store.ports`."""
