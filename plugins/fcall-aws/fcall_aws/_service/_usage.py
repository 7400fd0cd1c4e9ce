"""What to paste to call a served function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["usage"]


def usage(url: str, function: str) -> Mapping[str, Sequence[str]]:
    """Lines by client.

    Args:
        url: where the server is.
        function: the function's name.
    """
    return {
        "boto3": (
            f'client = boto3.client("lambda", endpoint_url="{url}", region_name="us-east-1",',
            '                      aws_access_key_id="test", aws_secret_access_key="test")',
            f'client.invoke(FunctionName="{function}", Payload="{{}}")["Payload"].read()',
        ),
        "AWS CLI": (
            f"export AWS_ENDPOINT_URL_LAMBDA={url} AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=test "
            "AWS_SECRET_ACCESS_KEY=test",
            f"echo '{{}}' | aws lambda invoke --function-name {function} --payload fileb:///dev/stdin /dev/stdout",
        ),
        "Node": (
            'const { LambdaClient, InvokeCommand } = require("@aws-sdk/client-lambda");',
            f'const client = new LambdaClient({{ endpoint: "{url}", region: "us-east-1",',
            '  credentials: { accessKeyId: "test", secretAccessKey: "test" } });',
            f'client.send(new InvokeCommand({{ FunctionName: "{function}", Payload: "{{}}" }}))',
            "  .then((answer) => console.log(Buffer.from(answer.Payload).toString()));",
        ),
    }
