"""DynamoDB and CloudWatch: execution records, the disclosure index, metrics."""
