"""Public content by HTTP: stored answers against a bare application, fresh ones against plain DRF."""

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus

from benchmarks import results, servers, wrk
from benchmarks.results import Row
from devkit.processes import LauncherError

LIST, DETAIL, SERVICES = "/api/blogs", "/api/blogs/post-1999", "/api/services"
WARM_UP_SECONDS = 1
SET_BY_SERVER = frozenset({"date", "server", "connection"})
PER_PAGE = 20

ROWS = (
    Row("public list of 20, warm", "warm list", "bare list", 0.85),
    Row("public list, 304", "warm 304", "bare 304", 0.90),
    Row("post detail, warm", "warm detail", "bare detail", 0.85),
    Row("services, warm", "warm services", "bare services", 0.85),
    Row("public list of 20, warm", "warm list", "plain DRF list", 50),
    Row("public list of 20, cold", "cold list", "plain DRF list", 3),
)


@dataclass(frozen=True)
class Subject:
    """What wrk asks for."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def run(*, rounds: int, seconds: float) -> None:
    """Measure every row, print the table and save it as `var/bench/public_reads.json`."""
    program = wrk.ensure()
    with subjects() as found:
        for subject in found.values():
            wrk.rate(program, subject.url, seconds=WARM_UP_SECONDS, headers=subject.headers)
        samples = measured(program, found, rounds=rounds, seconds=seconds)
    summaries = [results.summarise(row, samples) for row in ROWS]
    path = servers.VAR / "public_reads.json"
    options = {"rounds": rounds, "seconds": seconds, "connections": wrk.CONNECTIONS, "workers": servers.WORKERS}
    results.save(path, options=options, samples=samples, summaries=summaries)
    print(f"\n{results.table(summaries)}\n\nEvery sample: {path.relative_to(servers.CHECKOUT)}")


def measured(program: str, found: Mapping[str, Subject], *, rounds: int, seconds: float) -> dict[str, list[float]]:
    """Return the rates by subject, one a round; every other round runs backwards, so that nobody is always first."""
    samples: dict[str, list[float]] = {name: [] for name in found}
    for number in range(rounds):
        names = list(found) if number % 2 == 0 else list(reversed(found))
        for name in names:
            rate = wrk.rate(program, found[name].url, seconds=seconds, headers=found[name].headers)
            samples[name].append(rate)
            print(f"round {number + 1}/{rounds}  {name:<16} {rate:>10,.0f}/s", flush=True)
    return samples


@contextmanager
def subjects() -> Iterator[dict[str, Subject]]:
    """Have all servers up; the two of a row stand beside each other, since they are measured in this order."""
    with ExitStack() as stack:
        env = servers.settings(stack.enter_context(servers.database()))
        print("Starting the web servers ...", flush=True)
        warm = stack.enter_context(servers.web("warm", env))
        cold = stack.enter_context(servers.web("cold", env | {"DJANGO_SETTINGS_MODULE": "benchmarks.cold_settings"}))
        plain_env = env | {"DJANGO_SETTINGS_MODULE": "benchmarks.plain_settings"}
        plain = stack.enter_context(
            servers.web("plain", plain_env, application="benchmarks.plain_wsgi:application", probe=LIST)
        )
        answers, etag = taken(warm)
        same_posts(warm + LIST, cold + LIST, plain + LIST)
        bare = stack.enter_context(bare_server(answers))
        yield {
            "bare list": Subject(bare + LIST),
            "warm list": Subject(warm + LIST),
            "bare 304": Subject(f"{bare}/304{LIST}", {"If-None-Match": etag}),
            "warm 304": Subject(warm + LIST, {"If-None-Match": etag}),
            "bare detail": Subject(bare + DETAIL),
            "warm detail": Subject(warm + DETAIL),
            "bare services": Subject(bare + SERVICES),
            "warm services": Subject(warm + SERVICES),
            "cold list": Subject(cold + LIST),
            "plain DRF list": Subject(plain + LIST),
        }


def taken(studio: str) -> tuple[dict[str, tuple[str, list[tuple[str, str]], str]], str]:
    """Return the studio's answers for the bare application, and the list's validator."""
    etag = dict(servers.get(studio + LIST).headers)["etag"]
    asked = {path: servers.get(studio + path) for path in (LIST, DETAIL, SERVICES)}
    asked[f"/304{LIST}"] = servers.get(studio + LIST, {"If-None-Match": etag})
    if asked[f"/304{LIST}"].status != HTTPStatus.NOT_MODIFIED:
        raise LauncherError("The studio did not answer 304 to its own ETag.")
    return {path: _as_stored(answer) for path, answer in asked.items()}, etag


def _as_stored(answer: servers.Answer) -> tuple[str, list[tuple[str, str]], str]:
    status = HTTPStatus(answer.status)
    headers = [(name, value) for name, value in answer.headers if name not in SET_BY_SERVER]
    return f"{status} {status.phrase}", headers, answer.body.decode()


def same_posts(*urls: str) -> None:
    """Refuse to compare lists whose rows are not of the same posts with the same keys."""
    bodies = [json.loads(servers.get(url).body) for url in urls]
    lists = [body.get("data") or body["results"] for body in bodies]
    shapes = [[(row["slug"], sorted(row)) for row in rows] for rows in lists]
    if len(lists[0]) != PER_PAGE or any(shape != shapes[0] for shape in shapes):
        raise LauncherError("The lists that were to be compared do not show the same posts.")


@contextmanager
def bare_server(answers: Mapping[str, object]) -> Iterator[str]:
    """Have the bare application up on these answers; its address."""
    path = servers.VAR / "answers.json"
    path.write_text(json.dumps(answers))
    with servers.web("bare", {"ANSWERS": str(path)}, application="benchmarks.bare:application", probe=LIST) as url:
        yield url
