"""The bucket: objects and tables, their keys, captures, scans and yearly copies."""
