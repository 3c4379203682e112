"""Where the value came from that an expression of a test could not work with.

`summary(items)["total"]` raises KeyError in the test, and yet it is the code under test that lacks something;
`{"a": 1}["b"]` is a slip of the test. The traceback knows which expression failed (Python 3.11 and later keep columns),
and the text of the test shows what that expression works on.
"""

import ast
import os
import sys
import types

DEEPEST = 24
MOST = 12

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Scope:
    """What names mean at a place: the values of a living frame, else those of its module."""

    def __init__(self, module, function, values, names):
        self.module = module
        self.function = function
        self.values = values
        self.names = names

    def value(self, name):
        for values in (self.values, self.names):
            if name in values:
                return True, values[name]
        return False, None


class Values:
    """Answers for one session; the text of each file is parsed once."""

    def __init__(self, origin, file_of):
        self.origin = origin
        self.file_of = file_of
        self.parsed = {}

    def sources(self, error):
        """Modules that the value came from, each with its file: `[[module, file], …]`."""
        frames = self.tree_frames(error)
        if not frames:
            return []
        trace = frames[-1]
        frame = trace.tb_frame
        module = self.module(frame.f_code.co_filename)
        node = self.failing(module, trace)
        if node is None:
            return []
        values = {}
        living = frame
        for _ in range(4):
            if living is None or living.f_code.co_filename != frame.f_code.co_filename:
                break
            if living.f_locals is not living.f_globals:
                for name, value in living.f_locals.items():
                    values.setdefault(name, value)
            living = living.f_back
        scope = Scope(module, enclosing(module, node), values, frame.f_globals)
        search = Search(self, node.lineno)
        if isinstance(error, FileNotFoundError):
            search.written_before(node, scope)
        else:
            for operand in operands(module, node):
                search.expression(operand, scope, 0)
        return search.found[:MOST]

    def tree_frames(self, error):
        frames = []
        trace = error.__traceback__
        while trace is not None:
            if not os.path.isabs(self.origin.relative(trace.tb_frame.f_code.co_filename)):
                frames.append(trace)
            trace = trace.tb_next
        return frames

    def module(self, path):
        if path not in self.parsed:
            try:
                with open(path, "rb") as file:
                    tree = ast.parse(file.read())
                for parent in ast.walk(tree):
                    for child in ast.iter_child_nodes(parent):
                        child.parent = parent
            except (OSError, SyntaxError, ValueError, RecursionError):
                tree = None
            self.parsed[path] = tree
        return self.parsed[path]

    def failing(self, module, trace):
        """The expression whose evaluation raised; None where Python does not keep columns."""
        positions = getattr(trace.tb_frame.f_code, "co_positions", None)
        if module is None or positions is None or trace.tb_lasti < 0:
            return None
        place = None
        for index, found in enumerate(positions()):
            if index == trace.tb_lasti // 2:
                place = found
                break
        if place is None or None in place:
            return None
        line, end_line, column, end_column = place
        best, size = None, None
        for node in ast.walk(module):
            if not isinstance(node, ast.expr):
                continue
            start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
            if start <= (line, column) and (end_line, end_column) <= end:
                length = (end[0] - start[0], end[1] - start[1])
                # The outermost of equals: `(x)` and `x` differ, an expression statement and its value do not.
                if size is None or length < size:
                    best, size = node, length
        return best or head(module, line)


def enclosing(module, node):
    """The innermost function around a node."""
    while node is not None and not isinstance(node, FUNCTIONS):
        node = getattr(node, "parent", None)
    return node


def head(module, line):
    """What the statement works on whose own keyword failed: `with cart:` of something that is no context manager."""
    for node in ast.walk(module):
        if isinstance(node, (ast.With, ast.AsyncWith)) and node.lineno == line and len(node.items) == 1:
            return node.items[0].context_expr
    return None


def statement(node):
    while not isinstance(node, ast.stmt):
        node = node.parent
    return node


def operands(module, node):
    """What an expression that failed works on."""
    if isinstance(node, (ast.Subscript, ast.Attribute, ast.Await, ast.Starred, ast.FormattedValue)):
        return [node.value]
    if isinstance(node, ast.Call):
        return [node.func, *plain_arguments(node)]
    if isinstance(node, ast.BinOp):
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp):
        return [node.operand]
    if isinstance(node, ast.Compare):
        return [node.left, *node.comparators]
    if isinstance(node, ast.JoinedStr):
        return node.values
    if isinstance(node, (ast.Tuple, ast.List)) and isinstance(node.ctx, ast.Store):
        target = node.parent
        while isinstance(target, (ast.Tuple, ast.List, ast.Starred)):
            target = target.parent
        if isinstance(target, ast.Assign):
            return [target.value]
        if isinstance(target, (ast.For, ast.AsyncFor, ast.comprehension)):
            return [target.iter]
        if isinstance(target, ast.withitem):
            return [target.context_expr]
        return []
    if isinstance(node, ast.Set):
        return node.elts
    if isinstance(node, ast.Dict):
        return [key for key in node.keys if key is not None]
    if isinstance(node, (ast.Name, *COMPREHENSIONS)):
        return [node]
    return []


def plain_arguments(call):
    """Arguments that are passed as they are; a literal around one is the test's own."""
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return [argument.value if isinstance(argument, ast.Starred) else argument for argument in arguments]


def names_in(node):
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


class Search:
    """Follows an expression back to the modules whose code made its value."""

    def __init__(self, values, line):
        self.values = values
        self.line = line
        self.found = []
        self.seen = set()

    def add(self, module):
        if isinstance(module, str) and module:
            entry = [module, self.values.file_of(module)]
            if entry not in self.found:
                self.found.append(entry)

    def expression(self, node, scope, depth):
        if node is None or depth > DEEPEST or id(node) in self.seen:
            return
        self.seen.add(id(node))
        if isinstance(node, ast.Name):
            self.name(node.id, scope, depth)
        elif isinstance(node, (ast.Attribute, ast.Subscript, ast.Await, ast.Starred, ast.FormattedValue, ast.NamedExpr)):
            self.expression(node.value, scope, depth + 1)
        elif isinstance(node, ast.Call):
            before = len(self.found)
            self.expression(node.func, scope, depth + 1)
            if not any(self.is_ours(file) for _, file in self.found[before:]):
                # `json.loads(report())`, `list(cart)`, `Client(app)`: foreign code hands on what it was given.
                for argument in plain_arguments(node):
                    self.expression(argument, scope, depth + 1)
        elif isinstance(node, ast.BinOp):
            self.expression(node.left, scope, depth + 1)
            self.expression(node.right, scope, depth + 1)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                self.expression(value, scope, depth + 1)
        elif isinstance(node, ast.IfExp):
            self.expression(node.body, scope, depth + 1)
            self.expression(node.orelse, scope, depth + 1)
        elif isinstance(node, ast.UnaryOp):
            self.expression(node.operand, scope, depth + 1)
        elif isinstance(node, COMPREHENSIONS):
            for generator in node.generators:
                self.expression(generator.iter, scope, depth + 1)

    def is_ours(self, file):
        return file is not None and not os.path.isabs(file)

    def name(self, name, scope, depth):
        known, value = scope.value(name)
        if known:
            self.object(value)
        key = (name, id(scope.function), id(scope.module))
        if key in self.seen:
            return
        self.seen.add(key)
        bound = False
        for area in (scope.function, scope.module):
            if area is None:
                continue
            for source in bindings(area, name, self.line if area is scope.function else None):
                bound = True
                if isinstance(source, str):
                    self.add(source)
                else:
                    self.expression(source, scope, depth + 1)
            if bound:
                return
        if scope.function is not None and name in parameters(scope.function):
            self.fixture(name, scope, depth)

    def object(self, value):
        """The module that made an object: its own, that of a function or class, or that of an instance's type."""
        if isinstance(value, types.ModuleType):
            self.add(value.__name__)
            return
        is_code = isinstance(value, (type, types.FunctionType, types.MethodType, types.BuiltinFunctionType))
        owner = value if is_code else type(value)
        self.add(getattr(owner, "__module__", None))

    def fixture(self, name, scope, depth):
        """What a fixture of that name returns, in this module or a conftest."""
        places = [(scope.module, scope.names)]
        for module in list(sys.modules.values()):
            file = getattr(module, "__file__", None)
            if isinstance(file, str) and os.path.basename(file) == "conftest.py":
                places.append((self.values.module(file), vars(module)))
        for tree, names in places:
            if tree is None:
                continue
            for function in tree.body:
                if isinstance(function, FUNCTIONS) and function.name == name and is_fixture(function):
                    inner = Scope(tree, function, {}, names)
                    for node in ast.walk(function):
                        if isinstance(node, (ast.Return, ast.Yield)) and node.value is not None:
                            self.expression(node.value, inner, depth + 1)

    def written_before(self, node, scope):
        """Code that was given the path of a missing file: what should have written it."""
        if scope.function is None:
            return
        wanted = set()
        names = names_in(statement(node))
        while names - wanted:
            wanted |= names
            names = set()
            for name in list(wanted):
                for source in bindings(scope.function, name, self.line):
                    if not isinstance(source, str):
                        names |= names_in(source)
        wanted &= set(parameters(scope.function)) | {
            name for name in wanted if any(True for _ in bindings(scope.function, name, self.line))
        }
        for call in ast.walk(scope.function):
            if isinstance(call, ast.Call) and call.lineno <= self.line and call is not node:
                given = set().union(*(names_in(argument) for argument in [*call.args, *call.keywords]))
                if given & wanted and not names_in(call.func) & wanted:
                    self.expression(call.func, scope, 0)


def is_fixture(function):
    return any("fixture" in ast.dump(decorator) for decorator in function.decorator_list)


def parameters(function):
    arguments = function.args
    return [argument.arg for argument in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]]


def bindings(area, name, line):
    """What is bound to a name: expressions, and modules as text; of a function only what stands above the line."""
    for node in walk_area(area):
        if line is not None and getattr(node, "lineno", 0) > line:
            continue
        if isinstance(node, ast.Assign):
            if any(binds(target, name) for target in node.targets):
                yield node.value
        elif isinstance(node, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
            if binds(node.target, name) and node.value is not None:
                yield node.value
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.comprehension)):
            if binds(node.target, name):
                yield node.iter
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None and binds(item.optional_vars, name):
                    yield item.context_expr
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if any((alias.asname or alias.name) == name for alias in node.names):
                yield node.module


def walk_area(area):
    """The nodes of a function, or of a module without its functions."""
    waiting = list(ast.iter_child_nodes(area))
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(area, FUNCTIONS) or not isinstance(node, (*FUNCTIONS, ast.Lambda)):
            waiting.extend(ast.iter_child_nodes(node))


def binds(target, name):
    return any(isinstance(inner, ast.Name) and inner.id == name for inner in ast.walk(target))
