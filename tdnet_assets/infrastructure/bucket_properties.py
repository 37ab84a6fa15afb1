"""The lake's bucket as the template declares it, and the policy of the bucket itself.

What belongs here: encryption, versions, lifecycle, who may never enter. What does not: what a run
may do in it (``policy.py``).
"""

from typing import Any, Final

from tdnet_assets.config import PlatformConfig

NONCURRENT_DAYS: Final = 90
"""How long an overwritten or deleted object can be brought back."""
INCOMPLETE_UPLOAD_DAYS: Final = 7


def bucket(config: PlatformConfig) -> dict[str, Any]:
    """CloudFormation properties of the bucket; nothing in it that is current ever expires."""
    return {
        "BucketName": config.bucket,
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
            ]
        },
        "VersioningConfiguration": {"Status": "Enabled"},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "old-versions",
                    "Status": "Enabled",
                    "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS},
                    "ExpiredObjectDeleteMarker": True,
                },
                {
                    "Id": "incomplete-uploads",
                    "Status": "Enabled",
                    "AbortIncompleteMultipartUpload": {
                        "DaysAfterInitiation": INCOMPLETE_UPLOAD_DAYS
                    },
                },
            ]
        },
    }


def bucket_policy(bucket_reference: str) -> dict[str, Any]:
    """CloudFormation properties of the bucket's policy: no request without TLS, whoever sends it.

    Args:
        bucket_reference: logical id of the bucket in the template.
    """
    arn = f"${{{bucket_reference}.Arn}}"
    return {
        "Bucket": {"Ref": bucket_reference},
        "PolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TlsOnly",
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:*",
                    "Resource": [{"Fn::Sub": arn}, {"Fn::Sub": f"{arn}/*"}],
                    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
                }
            ],
        },
    }
