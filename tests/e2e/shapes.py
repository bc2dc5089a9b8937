"""Values that a service's model allows, made from botocore's own copy of it: what a client may send."""

import datetime
import random
import re

import botocore.session

# Letters of many kinds: what breaks quoting, folding, counting and encodings.
LETTERS = "aZ0 _-./\\'\"`,;:=%&<>{}[]()*?#@!~^|$äßİıŁ中日本語àé🦆\u200d𝒳"
EPOCH = datetime.datetime(2001, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)


def model(service):
    return botocore.session.get_session().get_service_model(service)


def operation(service, name):
    return model(service).operation_model(name)


def fits(pattern, text):
    # Python has no words for surrogates; those patterns allow what the letters are.
    if pattern is None or "uD800" in pattern or "p{" in pattern:
        return True
    return re.fullmatch(pattern.replace("\\/", "/"), text) is not None


class Maker:
    """Makes values of shapes. `given` has values for paths whose meaning a model does not tell (`TableInput.Name`);
    a value or a function of the dice. `without` are paths to leave out. `share` is how many of the optional members are
    there."""

    def __init__(self, seed, given=None, without=(), share=1.0):
        self.dice = random.Random(seed)
        self.given = given or {}
        self.without = set(without)
        self.share = share

    def make(self, shape, path):
        if path in self.given:
            value = self.given[path]
            return value(self.dice) if callable(value) else value
        return getattr(self, shape.type_name)(shape, path)

    def structure(self, shape, path):
        made = {}
        for name, member in shape.members.items():
            below = f"{path}.{name}"
            if below in self.without:
                continue
            if name in shape.required_members or below in self.given or self.dice.random() < self.share:
                made[name] = self.make(member, below)
        if getattr(shape, "is_tagged_union", False) and made:
            kept = self.dice.choice(sorted(made))
            made = {kept: made[kept]}
        return made

    def size(self, shape, most):
        low = shape.metadata.get("min", 0)
        return self.dice.randint(max(low, 1 if self.share == 1.0 else low), min(shape.metadata.get("max", most), most))

    def list(self, shape, path):
        return [self.make(shape.member, path) for _ in range(self.size(shape, 3))]

    def map(self, shape, path):
        return {
            self.make(shape.key, f"{path}.key"): self.make(shape.value, f"{path}.value")
            for _ in range(self.size(shape, 3))
        }

    def string(self, shape, path):
        if shape.enum:
            return self.dice.choice(shape.enum)
        low, high = shape.metadata.get("min", 0), min(shape.metadata.get("max", 24), 24)
        length = self.dice.randint(max(low, 1), max(high, low))
        pattern = shape.metadata.get("pattern")
        for letters in (LETTERS, "abcXYZ0189", "0123456789abcdef-"):
            for _ in range(20):
                text = "".join(self.dice.choice(letters) for _ in range(length))
                if fits(pattern, text):
                    return text
        raise AssertionError(f"{path}: give a value for {pattern}")

    def integer(self, shape, path):
        low, high = shape.metadata.get("min", -(2**31)), shape.metadata.get("max", 2**31 - 1)
        return self.dice.choice([low, high, self.dice.randint(low, high)])

    def long(self, shape, path):
        low, high = shape.metadata.get("min", -(2**63)), shape.metadata.get("max", 2**63 - 1)
        return self.dice.choice([low, high, self.dice.randint(low, high)])

    def double(self, shape, path):
        value = self.dice.choice([0.0, 0.1, 1e300, 5e-324, self.dice.random() * 10**9])
        return value if shape.metadata.get("min") is not None else self.dice.choice([value, -value])

    def float(self, shape, path):
        return self.double(shape, path)

    def boolean(self, shape, path):
        return self.dice.random() < 0.5

    def timestamp(self, shape, path):
        return EPOCH + datetime.timedelta(seconds=self.dice.randint(0, 10**9))

    def blob(self, shape, path):
        return bytes(self.dice.randrange(256) for _ in range(self.dice.randint(1, 12)))


def differences(sent, got, path=""):
    """Where what came back lacks or changes something that was sent."""
    if isinstance(sent, dict) and isinstance(got, dict):
        found = []
        for key, value in sent.items():
            if key not in got:
                found.append(f"{path}.{key} is gone: {value!r}")
            else:
                found += differences(value, got[key], f"{path}.{key}")
        return found
    if isinstance(sent, list) and isinstance(got, list) and len(sent) == len(got):
        return [line for n, (a, b) in enumerate(zip(sent, got)) for line in differences(a, b, f"{path}[{n}]")]
    return [] if sent == got else [f"{path}: sent {sent!r}, got {got!r}"]
