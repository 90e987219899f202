"""What the compose schema can't see: names that must exist elsewhere, and passwords that must not."""

import re
import sys
from pathlib import Path

from ruamel.yaml import YAML


def faults(compose: dict, targets: set[str]):
    services = compose["services"]
    volumes = compose.get("volumes", {})
    for name, service in services.items():
        target = service.get("build", {}).get("target")
        if target and target not in targets:
            yield f"{name}: the Dockerfile has no target {target}"
        for other, depends in service.get("depends_on", {}).items():
            if other not in services:
                yield f"{name}: depends on {other}, which isn't a service"
            elif depends["condition"] == "service_healthy" and not (
                "healthcheck" in services[other] or "build" in services[other]
            ):
                yield f"{name}: waits for the health of {other}, which has no check"
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if re.fullmatch(r"[a-z][a-z0-9_-]*", source) and source not in volumes:
                yield f"{name}: the volume {source} isn't declared"
        for port in service.get("ports", []):
            if not re.match(r"\$\{[A-Z_]+:-127\.0\.0\.1\}:", port):
                yield f"{name}: the port {port} isn't bound to the loopback address by default"
        for key, value in (service.get("environment") or {}).items():
            if re.search(r"PASSWORD|AUTH|_URL$", key) and "PUBLIC" not in key:
                if ":?" not in value:
                    yield f"{name}: {key} must come from the user, as ${{NAME:?…}}"


def main(paths: list[str]) -> int:
    dockerfile = Path("Dockerfile").read_text()
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", dockerfile, re.MULTILINE))
    found = [
        f"{path}: {fault}"
        for path in paths
        for fault in faults(YAML(typ="safe").load(Path(path)), targets)
    ]
    print("\n".join(found) if found else "ok -- names, ports and passwords")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
