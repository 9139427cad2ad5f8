import unittest

from test_cells import WithShell


class DisplayBounds(WithShell):
    def test_pictures_and_html_of_a_cell_have_a_bound_together(self):
        limits = {"shown_bytes": 1_000, "shown_why": "a cell may show so much (shell.display_bytes_max)"}
        code = ("from IPython.display import HTML, Image, display\n"
                "picture = lambda size: display(Image(b'\\x89PNG\\r\\n\\x1a\\n' + bytes(size - 8), format='png'))\n")
        cell = self.run_cell(code + "picture(600); display(HTML('x' * 400)); picture(100)", **limits)
        self.assertEqual([output["type"] for output in cell.outputs], ["image", "rich", "stream"])
        self.assertEqual(cell.text("stderr"), "An image of 100 bytes was left out: a cell may show so much "
                                              "(shell.display_bytes_max).\n")
        cell = self.run_cell(code + "picture(999); display(HTML('xx')); print('the end')", **limits)
        self.assertIn("A display of 2 bytes of text/html was left out: a cell may show so much", cell.text("stderr"))
        self.assertIn("the end", cell.text("stdout"))

    def test_a_display_that_is_replaced_gives_its_bytes_back(self):
        cell = self.run_cell("from IPython.display import HTML, display\nshown = display(HTML('a' * 900), display_id=True)\n"
                             "for n in range(50): shown.update(HTML(str(n % 10) * 900))", shown_bytes=1_000, shown_why="why")
        self.assertEqual(cell.text("stderr"), "")
        self.assertEqual(cell.outputs[-1]["data"], "9" * 900)
