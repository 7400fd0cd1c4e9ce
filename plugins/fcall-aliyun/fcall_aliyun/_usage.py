"""What to paste to call a served function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["usage_2", "usage_3"]


def usage_2(url: str, service: str, function: str) -> Mapping[str, Sequence[str]]:
    """Lines by client, for FC 2.0.

    Args:
        url: where the server is.
        service: the function's service.
        function: the function's name in it.
    """
    call = f'client.invokeFunction("{service}", "{function}", "{{}}")'
    return {
        "aliyun-fc2": (
            f'client = fc2.Client(endpoint="{url}", accessKeyID="test", accessKeySecret="test")',
            f'client.invoke_function("{service}", "{function}", payload=b"{{}}").data',
        ),
        "Node, @alicloud/fc2": (
            'const FC = require("@alicloud/fc2");',
            f'const client = new FC("000000000000", {{ endpoint: "{url}", region: "local",',
            '  accessKeyID: "test", accessKeySecret: "test" });',
            f"{call}.then((answer) => console.log(answer.data));",
        ),
    }


def usage_3(url: str, function: str) -> Mapping[str, Sequence[str]]:
    """Lines by client, for FC 3.0.

    Args:
        url: where the server is.
        function: the function's name.
    """
    host = url.removeprefix("http://")
    return {
        "alibabacloud-fc20230330": (
            f'config = Config(access_key_id="test", access_key_secret="test", protocol="HTTP", endpoint="{host}")',
            'request = InvokeFunctionRequest(body=io.BytesIO(b"{}"))',
            f'Client(config).invoke_function("{function}", request).body.read()',
        )
    }
