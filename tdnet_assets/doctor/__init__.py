"""``tdnet doctor``: the examination of a deployment, one module per thing it looks at."""
