"""A watch file with everything in it."""

EVERYTHING = """\
language = "ja"
reader = "https://reader.example.jp/"

[destinations.mail]
topic = "arn:aws:sns:ap-northeast-1:123456789012:watches"
language = "en"

[destinations.hook]
webhook = "https://hooks.example.com/tdnet?x=1"
secret = "env:TDNET_HOOK_SECRET"
messages_a_minute = 6

[destinations.slack]
webhook = "secretsmanager:arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:slack-a1b2c3"
host = "hooks.slack.com"
form = "slack"

[destinations.own]
webhook = "https://chat.example.com/"
form = "plain"
body = '''{"text": "{subject}", "blocks": [{"n": "{count}", "of": "{{x}}"}]}'''

[[watches]]
name = "toyota"
to = ["mail", "hook"]
codes = ["７２０３", "25935"]

[[watches]]
name = "buybacks"
to = ["slack"]
categories = ["share_buyback", "dividend"]
exchanges = ["東", "PH"]
xbrl = false
title = '自己株式 -"取得状況"'
quiet = "22:00-07:00"

[[watches]]
name = "collapses"
to = ["own"]
xbrl = "revision"
text = "継続企業の前提"
figures = [
  "forecast_revision.net_income.change <= -0.3",
  "surprise.operating_income >= 0.2",
  "forecast_revision.net_income.to_loss",
  "dividend.changed",
]
"""
