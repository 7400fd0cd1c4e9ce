"""What to paste to call a served function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["usage_2", "usage_3"]


def usage_2(url: str, function: str) -> Mapping[str, Sequence[str]]:
    """Lines by client, for FC 2.0.

    Args:
        url: where the server is.
        function: the function, as ``service/function`` where it has a service.
    """
    service, _, name = function.rpartition("/")
    return {
        "aliyun-fc2": (
            f'client = fc2.Client(endpoint="{url}", accessKeyID="test", accessKeySecret="test")',
            f'client.invoke_function("{service or "any"}", "{name}", payload=b"{{}}").data',
        ),
        "Node, @alicloud/fc2": (
            'const FC = require("@alicloud/fc2");',
            f'const client = new FC("000000000000", {{ endpoint: "{url}", region: "local",',
            '  accessKeyID: "test", accessKeySecret: "test" });',
            f'client.invokeFunction("{service or "any"}", "{name}", "{{}}").then((answer) => console.log(answer.data));',
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
            f'Client(config).invoke_function("{function}", InvokeFunctionRequest(body=io.BytesIO(b"{{}}"))).body.read()',
        )
    }
