"""Whether replies are what schema/ says; with that they are JSON that any reader takes."""
import functools
import json
import pathlib

import jsonschema

DIRECTORY = pathlib.Path(__file__).with_name("schema")


@functools.cache
def validator(file, name):
    schema = json.loads((DIRECTORY / f"{file}.json").read_text())
    assert name in schema["definitions"], name
    # Draft 4: an integer is one as it is written, 1.0 is none.
    return jsonschema.Draft4Validator({**schema, "$ref": f"#/definitions/{name}"})


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    assert len(set(keys)) == len(keys), f"a key stands twice: {keys}"
    return dict(pairs)


def refuse(word):
    raise AssertionError(f"{word} is not JSON")


def read(reply):
    assert reply.headers.get_all("Content-Type") == ["application/json"], reply.headers
    return json.loads(reply.data.decode("utf-8"), object_pairs_hook=no_duplicates, parse_constant=refuse)


def thinned(value):
    """Return: value, of whose long arrays only some elements are left: a validator takes 0.1 ms for each."""
    if isinstance(value, dict):
        return {key: thinned(v) for key, v in value.items()}
    if isinstance(value, list):
        return [thinned(v) for v in (value if len(value) < 100 else value[:20] + value[20:-20:len(value) // 20] + value[-20:])]
    return value


def check(value, file, name):
    for error in validator(file, name).iter_errors(thinned(value)):
        raise AssertionError(f"{file} {name}: {list(error.absolute_path)}: {error.message[:300]}")
    return value


def good(reply, file, name):
    """Return: the value of a reply that must be a success."""
    assert reply.status == 200, (reply.status, reply.data[:300])
    return check(read(reply), file, name)


def model(reply, name, status="COMPLETED"):
    """Return: the model of a view of the protocol."""
    wrapped = good(reply, "tsp", "wrapper")
    assert wrapped["status"] == status, wrapped["status"]
    return check(wrapped["model"], "tsp", name)


def refused(reply, *statuses):
    """Return: the error of a reply that must be one of these."""
    assert reply.status in statuses, (reply.status, reply.data[:300])
    return check(read(reply), "tsp", "error")
