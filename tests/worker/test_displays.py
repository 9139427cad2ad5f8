import base64
import pathlib
import unittest

from shell_process import ShellProcess


class WithShell(unittest.TestCase):
    def setUp(self):
        self.shell = ShellProcess()
        self.addCleanup(self.shell.close)
        self.folder = pathlib.Path(self.shell.folder.name)

    def run_cell(self, code):
        cell = self.shell.run(code)
        self.assertEqual(cell.status, "ok", cell.outputs)
        return cell

    def types(self, code):
        return [output["type"] for output in self.run_cell(code).outputs]


class BlankFigures(WithShell):
    """(cell, how many pictures it shows)"""

    CELLS = [
        ("plt.plot([1, 2])\nplt.show()\nplt.savefig('a.png')", 1),
        ("plt.plot([1, 2])\nplt.show()\nplt.tight_layout()\nplt.xticks(rotation=45)\nplt.grid(True);", 1),
        ("plt.plot([1, 2])\nplt.show()\nplt.axis('off');", 1),
        ("plt.plot([1, 2])\nplt.show()\nplt.clf()", 1),
        ("plt.plot([1, 2])\nplt.show()\nplt.plot([2, 1]);", 2),
        ("plt.plot([1, 2])\nplt.show()\nplt.title('late');", 2),
        ("plt.figure();", 0),
        ("plt.figure(figsize=(3, 2))\nplt.show()", 0),
        ("plt.gcf().set_size_inches(2, 2)", 0),
        ("plt.axis('off');", 0),
        ("a = plt.figure()\nb = plt.figure()\nb.gca().plot([1])\nc = plt.figure();", 1),
        ("plt.plot([1, 2])\nplt.clf();", 0),
        ("plt.subplots();", 1),
        ("plt.subplots()\nplt.show()", 1),
        ("plt.figtext(0.5, 0.5, 'words');", 1),
        ("plt.imshow([[1, 2]])\nplt.axis('off');", 1),
        ("plt.axis('off')\nplt.text(0, 0, 'words');", 1),
        ("plt.scatter([1], [2])\nplt.gca().set_axis_off()", 1),
        ("plt.pie([1, 2])\nplt.axis('off');", 1),
        ("plt.subplot(projection='polar').plot([1, 2]);", 1),
        ("plt.figure().add_subplot(projection='3d').plot([1, 2], [1, 2], [1, 2]);", 1),
        ("plt.figure().suptitle('title');", 1),
        ("f, x = plt.subplots()\nx.plot([1])\nf", 1),
    ]

    def test_a_white_page_is_not_shown_and_anything_else_is(self):
        self.run_cell("import matplotlib.pyplot as plt")
        for code, count in self.CELLS:
            with self.subTest(code):
                cell = self.run_cell(code)
                self.assertEqual(len(cell.of_type("image")), count)
                self.assertEqual(self.run_cell("plt.get_fignums()").of_type("value")[0]["text"], "[]")

    def test_one_that_is_the_value_is_its_text(self):
        cell = self.run_cell("import matplotlib.pyplot as plt\nplt.figure()")
        self.assertEqual([output["text"] for output in cell.outputs], ["<Figure size 640x480 with 0 Axes>"])


class Pictures(WithShell):
    def test_show_of_pil_shows_the_picture_here_where_a_program_for_it_is_installed(self):
        program = self.folder / "xdg-open"
        program.write_text("#!/bin/sh\ntouch was-called\n")
        program.chmod(0o755)
        self.run_cell(f"import os\nos.environ['PATH'] = {str(self.folder)!r} + ':' + os.environ['PATH']\n"
                      "from PIL import Image, ImageShow")
        for mode in ("RGB", "CMYK", "1", "L", "P", "RGBA", "F", "I;16"):
            with self.subTest(mode):
                cell = self.run_cell(f"Image.new({mode!r}, (9, 9)).show()")
                self.assertEqual([output.get("media_type") for output in cell.outputs], ["image/png"])
        self.assertEqual(self.types("ImageShow.show(Image.new('RGB', (9, 9)), title='title');"), ["image"])
        self.assertFalse((self.folder / "was-called").exists())

    def test_animations_and_webp_keep_their_bytes(self):
        self.run_cell("from PIL import Image as I\nred, blue = I.new('RGB', (5, 5), 'red'), I.new('RGB', (5, 5), 'blue')\n"
                      "red.save('a.gif', save_all=True, append_images=[blue])\nred.save('a.webp')\n"
                      "from IPython.display import Image, display")
        for kind in ("gif", "webp"):
            data = (self.folder / f"a.{kind}").read_bytes()
            for code in (f"Image('a.{kind}')", f"Image(open('a.{kind}', 'rb').read(), format='{kind}')",
                         f"display(Image(filename='a.{kind}'))",
                         f"display({{'image/{kind}': open('a.{kind}', 'rb').read()}}, raw=True)"):
                with self.subTest(code):
                    outputs = self.run_cell(code).outputs
                    self.assertEqual([(output["type"], output["media_type"]) for output in outputs], [("image", f"image/{kind}")])
                    self.assertEqual(base64.b64decode(outputs[0]["data"]), data)

    def test_a_formula_comes_before_its_picture(self):
        outputs = self.run_cell("import sympy as sp\nsp.init_printing()\nx = sp.symbols('x')\nsp.solve(x**2 - 2, x)").outputs
        self.assertEqual([(output["type"], output.get("media_type")) for output in outputs], [("rich", "text/latex")])
        self.assertIn("\\sqrt{2}", outputs[0]["data"])
        for code in ("sp.Eq(x**2, 4)", "sp.Matrix([[x, 1]])", "display(x / 2)", "{x: 1}"):
            with self.subTest(code):
                self.assertEqual(self.types(code), ["rich"])

    def test_a_picture_comes_before_a_formula_that_has_html_beside_it(self):
        self.assertEqual(self.types("class A:\n    def _repr_html_(s): return 'x'\n    def _repr_latex_(s): return '$x$'\n"
                                    "    def _repr_svg_(s): return '<svg/>'\nA()"), ["image"])

    def test_a_plotly_figure_is_shown_without_nbformat(self):
        package = self.folder / "plotly" / "io"
        package.mkdir(parents=True)
        (package.parent / "__init__.py").write_text("")
        (package / "__init__.py").write_text("from . import _renderers")
        # As plotly's own.
        (package / "_renderers.py").write_text(
            "from IPython.display import display\nnbformat = None\ndef show(data):\n    if not nbformat or "
            "tuple(map(int, nbformat.__version__.split('.'))) < (4, 2, 0):\n"
            "        raise ValueError('Mime type rendering requires nbformat>=4.2.0 but it is not installed')\n"
            "    display({'application/vnd.plotly.v1+json': data}, raw=True)\n")
        self.assertEqual(self.types("from plotly.io import _renderers\n_renderers.show({'data': []})"), ["rich"])

    def test_nbformat_itself_is_used_where_it_is_there(self):
        (self.folder / "plotly").mkdir()
        (self.folder / "plotly" / "__init__.py").write_text("")
        (self.folder / "plotly" / "io").mkdir()
        (self.folder / "plotly" / "io" / "__init__.py").write_text("")
        (self.folder / "plotly" / "io" / "_renderers.py").write_text("nbformat = 'its own'")
        cell = self.run_cell("from plotly.io import _renderers\n_renderers.nbformat")
        self.assertEqual(cell.of_type("value")[0]["text"], "'its own'")


class Levels(WithShell):
    def table(self, code):
        outputs = self.run_cell(code).outputs
        self.assertEqual([output["type"] for output in outputs], ["table"])
        return outputs[0]

    def test_names_of_rows_and_columns_are_no_tuples(self):
        self.run_cell("import pandas as pd\nd = pd.DataFrame({'a': [1, 1, 2], 'b': ['x', 'y', 'x'], 'c': [1.5, 2, 3]})")
        for code, columns, rows in (
                ("d[['a']].value_counts()", ["a", "0"], ["1", "2"]),
                ("d.set_index(['a', 'b'])", ["a / b", "c"], ["1 / x", "1 / y", "2 / x"]),
                ("d.groupby('a').agg({'c': ['mean', 'sum']})", ["a", "c / mean", "c / sum"], ["1", "2"]),
                ("d.pivot_table(index='a', columns=['b'], values=['c'])", ["a", "c / x", "c / y"], ["1", "2"]),
                ("d.set_index([pd.to_datetime(['2024-01-01'] * 3), 'b'])", ["b", "a", "c"],
                 ["2024-01-01 / x", "2024-01-01 / y", "2024-01-01 / x"]),
                ("pd.DataFrame([[1]], columns=pd.MultiIndex.from_tuples([('one',)]))", ["", "one"], ["0"])):
            with self.subTest(code):
                table = self.table(code)
                self.assertEqual([name.strip() for name in table["columns"]], columns)
                self.assertEqual([row[0] for row in table["rows"]], rows)


if __name__ == "__main__":
    unittest.main()
