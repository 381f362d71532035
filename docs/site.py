"""Build the site: `python docs/site.py` gathers what there is to read, runs the tutorials and writes build/site.

    python docs/site.py             all of it, the tutorials in full
    python docs/site.py --fast      the tutorials in their short form
    python docs/site.py --serve     and then serve it on http://localhost:8000

It needs the extra `docs`. Pages stay where they are in the repository and are copied; links between files of the repository become
links within the site, those to source files go to a page with the source. A warning, a link that leads nowhere or a cell that
fails ends the build with an error.
"""

import argparse
import ast
import fnmatch
import functools
import http.server
import logging
import os
import posixpath
import re
import shutil
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parents[1]
HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE))  # behind all else: a module of the standard library is called site, too

DOCUMENTS = ("CHANGELOG.md", "CONTRIBUTING.md", "VISION.md", "bench/RESULTS.md")  # outside docs
GUIDES = ("troubleshooting", "coming-from", "models", "training", "procedures", "circuits", "signals")  # the others of docs follow
FOLDERS = {"tutorials": "tutorials/index.md", "minirnn": "api/index.md", "docs/studies": "studies/index.md"}
ROOMS = {  # headings of the reference, and the modules under each ("tasks.*": all in it); others have their package for a heading
    "Networks": ("network", "trials", "dale", "noise", "initial", "reference", "integrators"),
    "Training": ("train", "optimizer", "curriculum", "checkpoint", "randomness"),
    "Checks": ("checks", "gradcheck", "gradient_flow", "second_order", "procedures", "gallery", "gallery.*"),
    "Tasks": ("tasks", "tasks.*"),
    "Analysis": ("analysis", "analysis.*"),
    "Plots": ("plots", "plots.*"),
    "Teaching": ("teaching", "teaching.*"),
    "Other packages": ("interop", "interop.*"),
    "Circuits": ("circuits", "circuits.*"),
    "Signals": ("signals", "signals.*"),
    "Studies": ("studies", "study_commands", "ensembles", "ensembles.*"),
    "Engine": ("engine", "kernels", "kernels.*", "files"),
    "Commands": ("cli", "report", "recordings"),
}
LINK = re.compile(r"(!?\[(?:[^\]\[]|\[[^\]]*\])*\]\()([^)\s]+)(\))")
NAMED = re.compile(r"(?<![\[`])`((?:minirnn|tests|bench|docs)/[\w./-]+\.(?:py|csv|md))`(?!\])")
FENCED = re.compile(r"^( *)(`{3,}|~{3,}).*?^\1\2[`~]*[ \t]*$", re.MULTILINE | re.DOTALL)


class Staging:
    """The folder that mkdocs reads, made from the repository at `root`."""

    def __init__(self, root: Path, folder: Path, tutorials: list[Path]) -> None:
        self.root, self.folder = root, folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.sources: set[str] = set()
        self.tutorials = [path.stem for path in tutorials]
        found = [path.relative_to(root).as_posix() for path in sorted((root / "docs").rglob("*.md"))]
        self.pages = {path: self.place(path) for path in (*found, *(d for d in DOCUMENTS if (root / d).exists()))}

    @staticmethod
    def place(path: str) -> str:
        """Where a file of the repository is in the site."""
        return re.sub(r"(^|/)README\.md$", r"\1index.md", path.removeprefix("docs/"))

    def target(self, origin: str, link: str) -> str:
        """What a link of the repository's file `origin` becomes, from the page of that file."""
        path, hash_, anchor = link.partition("#")
        if not path or urlsplit(link).scheme:
            return link
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(origin), unquote(path)))
        if wanted == "README.md":
            there = "index.md"
        elif wanted in FOLDERS:
            there = FOLDERS[wanted]
        elif wanted in self.pages:
            there = self.pages[wanted]
        elif wanted in {f"tutorials/{stem}{ending}" for stem in self.tutorials for ending in (".py", ".ipynb")}:
            there = str(Path(wanted).with_suffix(".md"))
        elif wanted.startswith("..") or not (self.root / wanted).is_file():
            raise ValueError(f"{origin} links to {link}, which is not there")
        elif wanted.endswith((".png", ".gif", ".svg", ".csv", ".json")):
            there = self.place(wanted)
            (self.folder / there).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.root / wanted, self.folder / there)
        else:
            there = self.source(wanted)
        return posixpath.relpath(there, posixpath.dirname(self.place(origin)) or ".") + hash_ + anchor

    def source(self, path: str) -> str:
        """The page that shows this file; it is written by `write_sources`."""
        self.sources.add(path)
        return f"source/{path}.md"

    def linked(self, origin: str, text: str) -> str:
        """The text with its links, and the files that it names between backticks, made into links within the site."""

        def prose(part: str) -> str:
            part = NAMED.sub(lambda m: self._named(origin, m), part)
            return LINK.sub(lambda m: m[1] + self.target(origin, m[2]) + m[3], part)

        parts, end = [], 0
        for block in FENCED.finditer(text):
            parts += [prose(text[end : block.start()]), block[0]]
            end = block.end()
        return "".join([*parts, prose(text[end:])])

    def _named(self, origin: str, match: re.Match[str]) -> str:
        if not (self.root / match[1]).is_file():
            return match[0]
        return f"[{match[0]}]({posixpath.relpath(match[1], posixpath.dirname(origin) or '.')})"

    def write(self, path: str, text: str) -> None:
        """A page of the site."""
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def documents(self) -> None:
        """The pages that are in the repository."""
        for origin, path in self.pages.items():
            text = self.linked(origin, (self.root / origin).read_text())
            if path == "index.md":
                text = f"---\nhide: [navigation, toc]\n---\n\n{text}"
            elif len(re.findall(r"^#{2,} ", text, re.MULTILINE)) < 2:  # tables can have the room of a table of contents
                text = f"---\nhide: [toc]\n---\n\n{text}"
            self.write(path, text)
        shutil.copy(HERE / "site.css", self.folder)

    def write_sources(self) -> None:
        """A page for each source file that something links to."""
        from pygments.lexers import get_lexer_for_filename
        from pygments.util import ClassNotFound
        from site_tutorials import fence

        for path in sorted(self.sources):
            text = (self.root / path).read_text()
            try:
                language = get_lexer_for_filename(path).aliases[0]
            except ClassNotFound:
                language = "text"
            block = fence(text, language).replace(f"{{.{language}}}", f'{{.{language} linenums="1"}}', 1)
            api = "api/" + ".".join(Path(path).with_suffix("").parts[1:]).removesuffix(".__init__") + ".md"
            there = path.startswith("minirnn/") and (self.folder / api).exists()
            about = f"[In the reference]({posixpath.relpath(api, posixpath.dirname(f'source/{path}'))}).\n\n" if there else ""
            self.write(f"source/{path}.md", f"---\nsearch:\n  exclude: true\n---\n\n# {path}\n\n{about}{block}\n")


def modules(root: Path) -> dict[str, list[str]]:
    """The modules of the package under the headings of the reference, by their names without "minirnn."."""
    found = []
    for path in sorted((root / "minirnn").rglob("*.py")):
        parts = path.relative_to(root / "minirnn").with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if parts and not any(part.startswith("_") for part in parts):
            found.append(".".join(parts))
    rooms: dict[str, list[str]] = {
        room: [name for wanted in names for name in found if fnmatch.fnmatchcase(name, wanted)] for room, names in ROOMS.items()
    }
    placed = {name for names in rooms.values() for name in names}
    for name in found:
        if name not in placed:
            rooms.setdefault(name.split(".")[0].capitalize(), []).append(name)
    return {room: names for room, names in rooms.items() if names}


def first_line(path: Path, name: str = "") -> str:
    """The first paragraph of a module's docstring, or of that of a class or function in it."""
    found: Any = ast.parse(path.read_text())
    if name:
        found = next(node for node in found.body if getattr(node, "name", "") == name)
    text = ast.get_docstring(found) or ""
    return " ".join(text.split("\n\n")[0].split())


def file_of(root: Path, name: str) -> Path:
    """The file of a module."""
    path = root / "minirnn" / Path(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def own_names(path: Path) -> list[str]:
    """The public names that a module itself defines."""
    found: list[str] = []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            found += [t.id for t in getattr(node, "targets", [getattr(node, "target", None)]) if isinstance(t, ast.Name)]
    return [name for name in found if not name.startswith("_") and name != "Array"]


def front_door(root: Path) -> list[tuple[str, str]]:
    """The names that `import minirnn` gives, and the modules in which they are written, without "minirnn."."""
    found = []
    for name, module in imported(root / "minirnn/__init__.py"):
        path = file_of(root, module)
        inner = dict(imported(path)) if path.name == "__init__.py" else {}  # a package that hands on what one of its modules has
        found.append((name, f"{module}.{inner[name]}" if name in inner else module))
    return found


def imported(path: Path) -> list[tuple[str, str]]:
    """The names that a package imports from its own modules, and these."""
    nodes = [n for n in ast.parse(path.read_text()).body if isinstance(n, ast.ImportFrom) and n.level == 1 and n.module]
    return [(alias.name, str(node.module)) for node in nodes for alias in node.names]


def reference(staging: Staging) -> dict[str, list[str]]:
    """The pages of the reference, a page per module; their places under each heading."""
    from site_docstrings import escaped

    root, rooms = staging.root, modules(staging.root)
    index = ["# Reference", "", first_line(root / "minirnn/__init__.py"), "", "## The front door", ""]
    index += ["`import minirnn as mr` has these names; the room of each tells the rest.", "", "| name | | is in |", "|---|---|---|"]
    for name, module in sorted(front_door(root), key=lambda pair: pair[0].casefold()):
        about = escaped(first_line(file_of(root, module), name))
        index.append(f"| [`mr.{name}`][minirnn.{module}.{name}] | {about} | [`minirnn.{module}`]({module}.md) |")
    for room, names in rooms.items():
        index += ["", f"## {room}", "", "| module | |", "|---|---|"]
        for name in names:
            path = file_of(root, name)
            about = escaped(first_line(path))
            index.append(f"| [`minirnn.{name}`]({name}.md) | {about} |")
            source = posixpath.relpath(staging.source(path.relative_to(root).as_posix()), "api")
            page = f"# minirnn.{name} {{#minirnn.{name}}}\n\n[The whole file]({source}).\n\n::: minirnn.{name}\n"
            if path.name == "__init__.py":  # what it hands on has its place on another page
                page += f"    options:\n      members: {own_names(path) or 'false'}\n"
            staging.write(f"api/{name}.md", page)
    staging.write("api/index.md", "\n".join(index) + "\n")
    return {room: [f"api/{name}.md" for name in names] for room, names in rooms.items()}


def navigation(staging: Staging, tutorials: list[Any], rooms: dict[str, list[str]]) -> list[Any]:
    """What mkdocs calls nav."""
    there = set(staging.pages.values())
    guides = [f"{name}.md" for name in GUIDES if f"{name}.md" in there]
    guides += sorted(page for page in there if "/" not in page and page not in guides and page not in ("index.md", *DOCUMENTS))
    studies = sorted(page for page in there if page.startswith("studies/") and page != "studies/index.md")
    if "studies/index.md" in there:
        text = (staging.folder / "studies/index.md").read_text()
        studies.sort(key=lambda page: text.find(f"({Path(page).name})"))
    nav: list[Any] = [
        {"Home": "index.md"},
        {"Tutorials": ["tutorials/index.md", *({f"{h.number} {h.title}": f"tutorials/{stem}.md"} for stem, h in tutorials)]},
        {"Guides": guides},
        {"Studies": ["studies/index.md", *({Path(page).stem: page} for page in studies)]},
        {"Reference": ["api/index.md", *({room: [{Path(p).stem: p} for p in pages]} for room, pages in rooms.items())]},
        {"Project": [document for document in sorted(DOCUMENTS, key=str.casefold) if document in there]},
    ]  # fmt: skip
    return [{name: value} for item in nav for name, value in item.items() if value and value != ["studies/index.md"]]


class _Links(HTMLParser):
    """The anchors of a page, where it leads, and what it has its reader's browser fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.leads: list[str] = []
        self.fetched: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Called for each tag."""
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.leads.append(found["href"])
        elif tag == "link" and found.get("rel") not in ("next", "prev", "canonical"):
            self.fetched.append(found.get("href", ""))
        self.fetched += [found[name] for name in ("src", "poster", "data") if name in found and tag != "a"]


def broken(site: Path) -> Iterator[str]:
    """What is wrong with the built site: links and pictures that lead nowhere, and what would be fetched from another host."""
    pages = {path: _Links(path.read_text()) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        name = path.relative_to(site)
        for link in page.fetched:
            if urlsplit(link).netloc:
                yield f"{name} fetches {link}"
        for link in page.leads + page.fetched:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            start = site if parts.path.startswith("/") else path.parent
            target = (start / unquote(parts.path).lstrip("/")).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"{name} leads to {link}, which is not there"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                yield f"{name} leads to {link}, but there is no such place on that page"
    for path in sorted(site.rglob("*.css")):
        for link in re.findall(r"(?:url\(|@import)\s*[\"']?(https?://[^\"')]+)", path.read_text()):
            yield f"{path.relative_to(site)} fetches {link}"


def build(root: Path, out: Path, *, tutorials: Path | None, fast: bool) -> None:
    """Write the site of the repository at `root`; ValueError where something is wrong with it."""
    os.environ["NO_MKDOCS_2_WARNING"] = "1"
    from mkdocs.commands.build import build as mkdocs_build
    from mkdocs.config import load_config
    from mkdocs.exceptions import MkDocsException
    from site_tutorials import NUMBERED, table, write

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("mkdocs").setLevel(logging.WARNING)
    scripts = [] if tutorials is None else sorted(tutorials.glob(NUMBERED))
    staging = Staging(root, out.parent / f"{out.name}-pages", scripts)
    staging.documents()
    found = []
    if tutorials is not None and scripts:
        scratch = out.parent / f"{out.name}-run"  # what they write is not to land in the repository
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(tutorials, scratch)
        found = write(scripts, staging, fast=fast, scratch=scratch)
    staging.write("tutorials/index.md", table(found))
    rooms = reference(staging)
    staging.write_sources()
    config = load_config(
        str(root / "mkdocs.yml"), docs_dir=str(staging.folder), site_dir=str(out), strict=True,
        use_directory_urls=False, nav=navigation(staging, found, rooms),
    )  # fmt: skip
    try:
        mkdocs_build(config)
    except MkDocsException as error:
        raise ValueError(f"mkdocs: {error}") from error
    wrong = list(broken(out))
    if wrong:
        raise ValueError("\n".join(wrong))


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Build the site of minirnn.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "site", help="where it is written (build/site)")
    parser.add_argument("--fast", action="store_true", help="tutorials in their short form")
    parser.add_argument("--tutorials", default=str(ROOT / "tutorials"), help='their folder, "none" for a site without them')
    parser.add_argument("--serve", action="store_true", help="serve it on http://localhost:8000 afterwards")
    given = parser.parse_args(arguments)
    folder = None if given.tutorials == "none" else Path(given.tutorials).resolve()
    try:
        build(ROOT, given.out.resolve(), tutorials=folder, fast=given.fast)
    except ValueError as error:
        print(f"the site is not built: {error}", file=sys.stderr)
        return 1
    print(f"{given.out} is built")
    if given.serve:
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(given.out))
        print("http://localhost:8000, until Ctrl-C")
        http.server.ThreadingHTTPServer(("localhost", 8000), handler).serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
