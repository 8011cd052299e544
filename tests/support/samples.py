"""A filled-in value of any record type, made from its fields, so that no new field escapes the round-trip tests."""

from datetime import UTC, datetime

from msgspec import Raw, inspect, json

from mailscribe.records import Value

MOMENT = datetime(2026, 2, 3, 4, 5, 6, 789_000, tzinfo=UTC)
ULID = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
DEPTH = 6


def sample[T: Value](kind: type[T], **changes: object) -> T:
    """A value of `kind` with every field set, optional ones too; `id` is a ULID. `changes` by field name."""
    plain = _fields(inspect.type_info(kind), 0)
    made = json.decode(json.encode(plain), type=kind)
    return type(made)(**{name: getattr(made, name) for name in kind.__struct_fields__} | changes)


def record_types() -> list[type[Value]]:
    """Every record type, also of two steps below `Value`."""
    below = [kind for parent in Value.__subclasses__() for kind in (parent, *parent.__subclasses__())]
    return [kind for kind in below if kind.__module__.startswith("mailscribe.records.")]


def _fields(info: inspect.Type, depth: int) -> object:
    assert isinstance(info, inspect.StructType)
    tagged = {} if info.tag_field is None else {info.tag_field: info.tag}
    return tagged | {
        field.encode_name: ULID if field.encode_name == "id" else _value(field.type, depth + 1) for field in info.fields
    }


def _value(info: inspect.Type, depth: int) -> object:
    match info:
        case inspect.StrType():
            return "Grüße \u2028 \U0001f4e7"
        case inspect.IntType():
            return 42
        case inspect.FloatType():
            return 0.125
        case inspect.BoolType():
            return True
        case inspect.DateTimeType():
            return MOMENT
        case inspect.RawType():
            return Raw(b'{"a":[1,null,"x"]}')
        case inspect.LiteralType():
            return info.values[0]
        case _:
            return _compound(info, depth)


def _compound(info: inspect.Type, depth: int) -> object:
    match info:
        case inspect.StructType():
            return _fields(info, depth)
        case inspect.VarTupleType():
            return [] if depth > DEPTH else [_value(info.item_type, depth + 1)] * 2
        case inspect.TupleType():
            return [_value(item, depth) for item in info.item_types]
        case inspect.DictType():
            return {"k": _value(info.value_type, depth + 1)}
        case inspect.UnionType():
            if depth > DEPTH:
                return None
            real = [kind for kind in info.types if not isinstance(kind, (inspect.NoneType, inspect.CustomType))]
            return _value(real[0], depth)
        case _:
            raise TypeError(f"no sample for {info}")
