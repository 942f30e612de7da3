"""Networks made of networks that each saw one shard of the rows."""
