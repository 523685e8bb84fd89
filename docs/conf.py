"""How Sphinx builds this site: `make docs`. Nothing is fetched, neither at build time nor by a reader's browser."""

import os
import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
os.environ.setdefault("IPYTHONDIR", str(HERE.parent / "out" / ".ipython"))  # notebooks leave nothing in a home folder
os.environ.setdefault("JUPYTER_RUNTIME_DIR", str(HERE.parent / "out" / ".jupyter"))

import deepjscc  # noqa: E402
import generate  # noqa: E402
from deepjscc.threads import free_cores, limit_threads  # noqa: E402

if "OMP_NUM_THREADS" not in os.environ:
    limit_threads(free_cores())  # the notebooks' kernels inherit it, and the passive wait policy

project = "deepjscc"
copyright = "the deepjscc contributors, Apache-2.0"
version = release = deepjscc.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.napoleon", "myst_nb"]
exclude_patterns = ["results"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_title = "deepjscc"
html_copy_source = False
html_show_sourcelink = False

highlight_language = "none"  # an indented block is a command or a diagram
default_role = "literal"  # `linear` in a docstring is code
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 900  # seconds for a cell: a limit against hanging, not a measure of speed
nb_execution_show_tb = True
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_preprocess_types = False
napoleon_attr_annotations = False

# Array types read as the names they have in deepjscc.types; others as `Float[Tensor, "batch 3 height width"]`.
ALIASES = {
    "Float[Tensor, 'batch 3 height width']": "Images",
    "UInt8[Tensor, '3 height width']": "Image8",
    "Float[Tensor, 'batch reals']": "Latent",
    "Complex[Tensor, 'batch uses']": "Symbols",
    "Complex[Tensor, 'batch coherence']": "Gain",
}


def readable_signature(app, what, name, obj, options, signature, returns):
    """Array types by the words of the house."""

    def readable(text):
        if text is None:
            return None
        text = re.sub(r"~?jaxtyping\.(\w+\[)", r"\1", text)
        for long, short in ALIASES.items():
            text = text.replace(long, f"~deepjscc.types.{short}")
        text = text.replace("snr_db: Float[Tensor, 'batch']", "snr_db: ~deepjscc.types.SnrDb")
        text = text.replace("~torch._C.Generator", "~torch.Generator")
        return re.sub(r"<function \S*<lambda>( at 0x[0-9a-f]+)?>", "...", text)

    if signature == "(*args, **kwargs)":  # what a protocol says of itself
        signature = None
    return readable(signature), readable(returns)


def physics_is_not_markup(app, what, name, obj, options, lines):
    """`|h|^2` in a docstring is a magnitude, not reStructuredText's substitution."""
    if name.startswith("deepjscc.types.") and name.rpartition(".")[2] in {*ALIASES.values(), "SnrDb"}:
        lines[:] = [f"``{obj.__name__}``: " + lines[0], *lines[1:]]
    for index, line in enumerate(lines):
        parts = re.split(r"(``.*?``)", line)
        lines[index] = "".join(part if part.startswith("``") else part.replace("|", r"\|") for part in parts)
    lines[:] = [one for line in lines for one in one_name_a_line(line)]


def one_name_a_line(line):
    """``psnr_db, ssim: on 8 bits`` under Attributes: napoleon knows single names only."""
    match = re.fullmatch(r"( {4}(?: {4})?)(\w+(?:, \w+)+): (.+)", line)
    return [f"{match[1]}{name}: {match[3]}" for name in match[2].split(", ")] if match else [line]


def setup(app):
    """Hooks, and the pages made from what the package knows."""
    app.connect("autodoc-process-signature", readable_signature)
    app.connect("autodoc-process-docstring", physics_is_not_markup, priority=400)
    app.connect("source-read", generate.fill_in)
