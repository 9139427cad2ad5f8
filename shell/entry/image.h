/* Memory of the warm interpreter that its shells give back.
 *
 * A shell starts as a copy of the warm interpreter, page by page on its first write. Most of what Python writes are
 * counts of references that go up and down again: the page has its old content and stays a copy. So the warm
 * interpreter keeps its memory in a sealed file that it and all shells map privately, and a shell that has nothing to
 * do drops each of its copies that equals the file's page; the next access finds the file's again.
 *
 * The file is sealed against writing and has no descriptor, so that no shell can change what the others see.
 *
 * C, called through ctypes with the interpreter's lock held, like entry.h; one thread.
 */
#pragma once

/* Moves the private writable memory of this process into the file: bytes of it, or a negative errno (then the memory is
 * as it was). Once in a process, by the warm interpreter, which has one thread. */
long varro_image_make(void);

/* Drops the pages of this process that are as they were in the image: bytes of them, or a negative errno, -EBUSY when
 * the process has other threads: they could write to a page after it was compared. */
long varro_image_give_back(void);
