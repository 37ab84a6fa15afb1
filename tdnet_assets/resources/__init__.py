"""What the assets talk to: TDnet over HTTP, S3, DynamoDB, CloudWatch."""
