"""``tdnet doctor``: does a live account agree with the config, and does everything run?"""
