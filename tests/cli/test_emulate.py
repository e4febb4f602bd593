"""``emulate graph``: a tenant that anyone can use, until Ctrl-C."""

from __future__ import annotations

import json
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request

from .conftest import PATIENCE_S


def test_a_tenant_is_served_until_it_is_interrupted() -> None:
    command = [sys.executable, "-m", "kazinex_storage.cli", "emulate", "graph", "--json", "--library", "Plans"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        text = ""
        while not text.rstrip().endswith("}"):
            line = process.stdout.readline()
            assert line, "it ended"
            text += line
        settings = json.loads(text)
        context = ssl.create_default_context(cafile=settings["ca_file"])
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        try:
            opener.open(f"{settings['graph_url']}/sites/root", timeout=PATIENCE_S)
        except urllib.error.HTTPError as refusal:
            with refusal:
                status, body = refusal.code, refusal.read()
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_S)

    assert (401, "InvalidAuthenticationToken") == (status, json.loads(body)["error"]["code"])
    assert "Plans" == settings["library"]
