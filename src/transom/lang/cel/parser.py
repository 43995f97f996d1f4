"""CEL source to nodes: one recursive function over operator precedence, as the grammar of the CEL language definition.

Chains of `&&` and `||` become balanced trees, as in cel-go, so that long ones stay shallow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from transom.lang.cel.lexer import RESERVED, Token, double_value, fail, integer_value, string_value, tokens
from transom.lang.cel.macros import MACROS, Expander, MacroError, expand
from transom.lang.cel.syntax import (
    Call,
    Constant,
    Entry,
    Field,
    Ident,
    Index,
    ListLiteral,
    MapLiteral,
    Node,
    Select,
    StructLiteral,
)
from transom.model.limits import MAX_EXPRESSION_CHARS, MAX_EXPRESSION_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BINARY = {
    "||": (1, "_||_"),
    "&&": (2, "_&&_"),
    "<": (3, "_<_"),
    "<=": (3, "_<=_"),
    ">": (3, "_>_"),
    ">=": (3, "_>=_"),
    "==": (3, "_==_"),
    "!=": (3, "_!=_"),
    "in": (3, "@in"),
    "+": (4, "_+_"),
    "-": (4, "_-_"),
    "*": (5, "_*_"),
    "/": (5, "_/_"),
    "%": (5, "_%_"),
}
"""Binary operators: how tightly each binds, and the function it calls. All group to the left."""
UNARY = {"!": "!_", "-": "-_"}
CONDITIONAL = "_?_:_"

_TOO_DEEP = "the expression is nested too deep"
_SAID = {"end": "the end of the expression", "name": "a name"}


def parse(source: str, macros: Mapping[tuple[str, bool, int], Expander] = MACROS) -> Node:
    """Return the node of an expression, its macros expanded; raises CelSyntaxError.

    No node is deeper than MAX_EXPRESSION_DEPTH, so whoever walks it may recurse, by two or three frames a level.
    """
    if len(source) > MAX_EXPRESSION_CHARS:
        fail(source, f"the expression is longer than {MAX_EXPRESSION_CHARS} characters", MAX_EXPRESSION_CHARS)
    parser = _Parser(source, macros)
    try:
        node = parser.expression()
    except RecursionError:
        parser.fail(_TOO_DEEP)
    if parser.token.kind != "end":
        parser.unexpected()
    return node


def balanced(function: str, terms: Sequence[Node]) -> Node:
    """Join the terms of one chain of `&&` or `||`, the left half the larger."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2 + len(terms) % 2
    left, right = balanced(function, terms[:middle]), balanced(function, terms[middle:])
    return Call(function=function, args=(left, right), start=left.start, end=right.end)


class _Parser:
    """Where the parser stands: token is the next one to read, height how deep the node just built is."""

    __slots__ = ("depth", "found", "height", "macros", "position", "source", "token")

    def __init__(self, source: str, macros: Mapping[tuple[str, bool, int], Expander]) -> None:
        self.source = source
        self.macros = macros
        self.found = tokens(source)
        self.position = 0
        self.token = self.found[0]
        self.depth = 0
        self.height = 0

    # reading tokens

    def fail(self, message: str, offset: int | None = None) -> NoReturn:
        fail(self.source, message, self.token.start if offset is None else offset)

    def unexpected(self, wanted: str = "") -> NoReturn:
        said = _SAID.get(self.token.kind) or repr(self.token.text)
        if self.token.kind == "name":
            said = f"name {self.token.text!r}"
        self.fail(f"unexpected {said}" + (f", {wanted} was expected" if wanted else ""))

    def advance(self) -> Token:
        token = self.token
        self.position += 1
        self.token = self.found[self.position]
        return token

    def accept(self, kind: str) -> bool:
        if self.token.kind == kind:
            self.advance()
            return True
        return False

    def expect(self, kind: str) -> Token:
        if self.token.kind != kind:
            self.unexpected(_SAID.get(kind) or repr(kind))
        return self.advance()

    @property
    def end(self) -> int:
        """Where the token just read ends."""
        return self.found[self.position - 1].end

    def grown(self, height: int, start: int) -> None:
        """Note how deep the node being built is; raises CelSyntaxError past the limit."""
        if height > MAX_EXPRESSION_DEPTH:
            self.fail(_TOO_DEEP, start)
        self.height = height

    def deeper(self) -> None:
        """Count one more bracket, or one more `?:`, around what is read."""
        self.depth += 1
        if self.depth > MAX_EXPRESSION_DEPTH:
            self.fail(_TOO_DEEP)

    # expressions

    def expression(self, level: int = 0) -> Node:
        """Read operators that bind at least as tightly as level; 0 reads `?:` as well."""
        start = self.token.start
        if level == 0:
            self.deeper()
        left = self.prefixed() if self.token.kind in UNARY else self.operand()
        while operator := BINARY.get(self.token.kind):
            power, function = operator
            if power < level:
                break
            left = self.chain(left, start, power, function) if power < 3 else self.pair(left, start, power, function)
        if level == 0:
            if self.token.kind == "?":
                left = self.conditional(left, start)
            self.depth -= 1
        return left

    def conditional(self, condition: Node, start: int) -> Node:
        height = self.height
        self.advance()
        then = self.expression(1)
        height = max(height, self.height)
        self.expect(":")
        otherwise = self.expression()
        self.grown(max(height, self.height) + 1, start)
        return Call(function=CONDITIONAL, args=(condition, then, otherwise), start=start, end=self.end)

    def pair(self, left: Node, start: int, power: int, function: str) -> Node:
        height = self.height
        self.advance()
        right = self.expression(power + 1)
        self.grown(max(height, self.height) + 1, start)
        return Call(function=function, args=(left, right), start=start, end=self.end)

    def chain(self, left: Node, start: int, power: int, function: str) -> Node:
        height = self.height
        terms = [left]
        kind = self.token.kind
        while self.accept(kind):
            terms.append(self.expression(power + 1))
            height = max(height, self.height)
        self.grown(height + (len(terms) - 1).bit_length(), start)
        return balanced(function, terms)

    def prefixed(self) -> Node:
        """Read `!x`, `-x` or a negative number; an even number of the same sign is none, as in cel-go."""
        sign = self.token
        count = 0
        while self.token.kind == sign.kind:
            self.advance()
            count += 1
        if sign.kind == "-" and count == 1 and self.signed_number():
            return self.operand(sign)
        minus = self.advance() if sign.kind == "!" and self.token.kind == "-" else None
        if minus and not self.signed_number():
            self.fail("unexpected '-', a value was expected", minus.start)
        node = self.operand(minus)
        if count % 2 == 0:
            return node
        self.grown(self.height + 1, sign.start)
        return Call(function=UNARY[sign.kind], args=(node,), start=sign.start, end=self.end)

    def signed_number(self) -> bool:
        """Say whether the next token is a number that the minus sign before it belongs to."""
        return self.token.kind in ("integer", "double") and self.token.text[-1] not in "uU"

    # operands

    def operand(self, minus: Token | None = None) -> Node:
        """Read a primary and what follows it: selections, indexes, calls, message fields."""
        start = minus.start if minus else self.token.start
        if self.accept("("):
            node = self.expression()
            self.expect(")")
            name = ""
        else:
            node = self.number(minus) if minus else _PRIMARIES.get(self.token.kind, _Parser.literal)(self)
            name = node.name if isinstance(node, Ident) else ""
        while True:
            kind = self.token.kind
            if kind == ".":
                node = self.member(node, start)
                name = self.longer_name(name, node)
            elif kind == "[":
                node, name = self.index(node, start), ""
            elif kind == "{" and name:
                node, name = self.message(name, start), ""
            else:
                return node

    def longer_name(self, name: str, node: Node) -> str:
        """Return the dotted name that the source spells up to here, "" where it spells none."""
        plain = isinstance(node, Select) and not node.optional and self.found[self.position - 1].kind == "name"
        return f"{name}.{node.field}" if name and plain and isinstance(node, Select) else ""

    def literal(self) -> Node:
        token = self.token
        self.height = 1
        if token.kind == "string":
            self.advance()
            return Constant(value=string_value(self.source, token), start=token.start, end=token.end)
        if token.kind in _WORDS:
            self.advance()
            return Constant(value=_WORDS[token.kind], start=token.start, end=token.end)
        return self.unexpected("a value")

    def number(self, minus: Token | None = None) -> Node:
        token = self.advance()
        self.height = 1
        value: float
        if token.kind == "double":
            value = double_value(self.source, token)
            value = -value if minus else value
        else:
            value = integer_value(self.source, token, negative=minus is not None)
        return Constant(value=value, start=minus.start if minus else token.start, end=token.end)

    def name(self) -> Node:
        start = self.token.start
        dot = "." if self.accept(".") else ""
        token = self.expect("name")
        if token.text in RESERVED:
            self.fail(f"{token.text!r} is a reserved word of CEL", token.start)
        if self.token.kind == "(":
            args = self.arguments()
            call = Call(function=dot + token.text, args=args, start=start, end=self.end)
            self.grown(self.height + 1, start)
            return self.expanded(call)
        self.height = 1
        return Ident(name=dot + token.text, start=start, end=token.end)

    def member(self, operand: Node, start: int) -> Node:
        height = self.height
        self.advance()
        optional = self.accept("?")
        field = self.field_name()
        if self.token.kind == "(" and not optional and self.found[self.position - 1].kind == "name":
            args = self.arguments()
            self.grown(max(height, self.height) + 1, start)
            return self.expanded(Call(function=field, args=args, target=operand, start=start, end=self.end))
        self.grown(height + 1, start)
        return Select(operand=operand, field=field, optional=optional, start=start, end=self.end)

    def index(self, operand: Node, start: int) -> Node:
        height = self.height
        self.advance()
        optional = self.accept("?")
        index = self.expression()
        self.expect("]")
        self.grown(max(height, self.height) + 1, start)
        return Index(operand=operand, index=index, optional=optional, start=start, end=self.end)

    def expanded(self, call: Call) -> Node:
        try:
            return expand(call, self.macros)
        except MacroError as error:
            self.fail(error.message, error.node.start)

    # what stands in brackets

    def field_name(self) -> str:
        if self.token.kind == "escaped":
            return self.advance().text[1:-1]
        return self.expect("name").text

    def arguments(self) -> tuple[Node, ...]:
        self.advance()
        args: list[Node] = []
        height = 0
        while not (self.token.kind == ")" and not args):
            args.append(self.expression())
            height = max(height, self.height)
            if not self.accept(","):
                break
        self.expect(")")
        self.height = height
        return tuple(args)

    def lone_comma(self, closing: str) -> None:
        """Pass over the comma of `[,]` and `{,}`, which the language's grammar takes for nothing."""
        if self.accept(",") and self.token.kind != closing:
            self.expect(closing)

    def list_literal(self) -> Node:
        start = self.advance().start
        elements: list[Node] = []
        optionals: list[int] = []
        height = 0
        self.lone_comma("]")
        while self.token.kind != "]":
            if self.accept("?"):
                optionals.append(len(elements))
            elements.append(self.expression())
            height = max(height, self.height)
            if not self.accept(","):
                break
        self.expect("]")
        self.grown(height + 1, start)
        return ListLiteral(elements=tuple(elements), optionals=tuple(optionals), start=start, end=self.end)

    def map_literal(self) -> Node:
        start = self.advance().start
        entries: list[Entry] = []
        height = 0
        self.lone_comma("}")
        while self.token.kind != "}":
            entry_start = self.token.start
            optional = self.accept("?")
            key = self.expression()
            height = max(height, self.height)
            self.expect(":")
            value = self.expression()
            height = max(height, self.height)
            entries.append(Entry(key=key, value=value, optional=optional, start=entry_start, end=self.end))
            if not self.accept(","):
                break
        self.expect("}")
        self.grown(height + 1, start)
        return MapLiteral(entries=tuple(entries), start=start, end=self.end)

    def message(self, type_name: str, start: int) -> Node:
        self.advance()
        fields: list[Field] = []
        height = 0
        self.lone_comma("}")
        while self.token.kind != "}":
            field_start = self.token.start
            optional = self.accept("?")
            name = self.field_name()
            self.expect(":")
            value = self.expression()
            height = max(height, self.height)
            fields.append(Field(name=name, value=value, optional=optional, start=field_start, end=self.end))
            if not self.accept(","):
                break
        self.expect("}")
        self.grown(height + 1, start)
        return StructLiteral(type_name=type_name, fields=tuple(fields), start=start, end=self.end)


_WORDS = {"true": True, "false": False, "null": None}
_PRIMARIES: dict[str, Callable[[_Parser], Node]] = {
    "name": _Parser.name,
    ".": _Parser.name,
    "integer": _Parser.number,
    "double": _Parser.number,
    "[": _Parser.list_literal,
    "{": _Parser.map_literal,
}
