#define _GNU_SOURCE
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U /* Linux 6.3 */
#endif

enum {
  page_bytes = 4096,
  ranges_max = 4096,  /* mappings of the image, below the kernel's 65,530 of a process */
  gap_pages_max = 16, /* untouched pages that are taken along, for the sake of fewer mappings */
  pages_at_once = 512,
  task_links_of_one_thread = 3,
  /* For a thread that is about to end, a millisecond apart: of the warm interpreter, and of a shell, whose next cell
   * may come at any moment. */
  looks_of_interpreter = 2000,
  looks_of_shell = 20,
};

/* Documentation/admin-guide/mm/pagemap.rst of Linux. */
static const uint64_t is_present = 1ULL << 63, is_swapped = 1ULL << 62, is_of_file = 1ULL << 61;

static const char image_name[] = "varro-image", image_path[] = "/memfd:varro-image";

struct range {
  uintptr_t begin;
  size_t bytes, offset; /* offset in the image */
};

/* All that is written while the image is made or compared stands here or on the stack, and neither is in the image. */
static struct {
  struct range ranges[ranges_max];
  size_t count, bytes;
  ino_t inode;
  const char* original; /* the whole image, for reading */
  uint64_t pages[pages_at_once];
  char text[16 << 10];
} image;

static bool holds(uintptr_t begin, uintptr_t end, const void* address) {
  return (uintptr_t)address >= begin && (uintptr_t)address < end;
}

static size_t pages_to_read(size_t bytes_left) {
  return bytes_left / page_bytes < pages_at_once ? bytes_left / page_bytes : pages_at_once;
}

static bool read_entries(int pagemap, uintptr_t begin, size_t count) {
  ssize_t bytes = (ssize_t)(count * sizeof *image.pages);
  return pread(pagemap, image.pages, (size_t)bytes, (off_t)(begin / page_bytes * sizeof *image.pages)) == bytes;
}

/* The parts of a mapping that hold something. */
static bool add_ranges(int pagemap, uintptr_t begin, uintptr_t end) {
  struct range* last = NULL;
  for (uintptr_t part = begin; part < end; part += pages_at_once * page_bytes) {
    size_t count = pages_to_read(end - part);
    if (!read_entries(pagemap, part, count))
      return false;
    for (size_t i = 0; i < count; ++i) {
      uintptr_t page = part + i * page_bytes;
      if ((image.pages[i] & (is_present | is_swapped)) == 0)
        continue;
      if (last == NULL || page - (last->begin + last->bytes) > gap_pages_max * page_bytes) {
        if (image.count == ranges_max)
          return true; /* the rest stays as it is */
        last = &image.ranges[image.count++];
        *last = (struct range){page, 0, 0};
      }
      last->bytes = page + page_bytes - last->begin;
    }
  }
  return true;
}

/* Not: the stack and the thread's own block (the kernel writes to it, see rseq(2)), and what is written here. */
static bool may_move(uintptr_t begin, uintptr_t end, const char* rest) {
  return strncmp(rest, "rw-p", 4) == 0 && strstr(rest, "[stack]") == NULL
    && !holds(begin, end, __builtin_thread_pointer()) && !holds(begin, end, __builtin_frame_address(0))
    && !holds(begin, end, &image) && !holds(begin, end, (const char*)(&image + 1) - 1);
}

struct walk {
  int pagemap;
  uintptr_t begin, end; /* of the mapping that the lines tell about */
  bool movable;
};

/* Of /proc/self/smaps. A mapping is known with its last line, which tells what is special about it. */
static bool take_figures(const char* line, struct walk* walk) {
  if (strncmp(line, "VmFlags:", 8) == 0) {
    /* wf: wiped in a forked process; dc: not there; lo: locked; ht: of huge pages */
    bool special = strstr(line, " wf") || strstr(line, " dc") || strstr(line, " lo") || strstr(line, " ht");
    return !walk->movable || special || add_ranges(walk->pagemap, walk->begin, walk->end);
  }
  char* rest = NULL;
  uintptr_t begin = strtoull(line, &rest, 16);
  if (*rest != '-')
    return true; /* a figure of the mapping */
  walk->begin = begin;
  walk->end = strtoull(rest + 1, &rest, 16);
  walk->movable = *rest == ' ' && may_move(walk->begin, walk->end, rest + 1);
  return true;
}

/* Of /proc/self/maps: what still is a writable mapping of the image. The cells may have put others in their place. */
static bool take_mapping(const char* line, struct walk* walk) {
  (void)walk;
  char* rest = NULL;
  uintptr_t begin = strtoull(line, &rest, 16), end = strtoull(rest + 1, &rest, 16);
  if (strncmp(rest, " rw-p ", 6) != 0)
    return true;
  size_t offset = strtoull(rest + 6, &rest, 16);
  strtoull(rest, &rest, 16);     /* the device's major */
  strtoull(rest + 1, &rest, 16); /* and minor number */
  if (strtoull(rest, &rest, 10) != image.inode || strstr(rest, image_path) == NULL || image.count == ranges_max)
    return true;
  if (offset <= image.bytes && end - begin <= image.bytes - offset)
    image.ranges[image.count++] = (struct range){begin, end - begin, offset};
  return true;
}

static bool each_line(const char* path, bool (*take)(const char*, struct walk*), struct walk* walk) {
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return false;
  size_t held = 0;
  ssize_t more;
  bool good = true;
  while (good && (more = read(file, image.text + held, sizeof image.text - 1 - held)) > 0) {
    held += (size_t)more;
    image.text[held] = '\0';
    char *line = image.text, *end;
    for (; good && (end = strchr(line, '\n')) != NULL; line = end + 1) {
      *end = '\0';
      good = take(line, walk);
    }
    held -= (size_t)(line - image.text);
    memmove(image.text, line, held);
    if (good && held == sizeof image.text - 1) {
      errno = ENAMETOOLONG;
      good = false;
    }
  }
  int number = errno;
  close(file);
  errno = number;
  return good && more == 0;
}

static int write_file(void) {
  int file = memfd_create(image_name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
  if (file < 0 && errno == EINVAL)
    file = memfd_create(image_name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0)
    return -1;
  for (size_t i = 0; i < image.count; ++i) {
    struct range* range = &image.ranges[i];
    range->offset = image.bytes;
    for (size_t done = 0; done < range->bytes;) {
      ssize_t written
        = pwrite(file, (const char*)range->begin + done, range->bytes - done, (off_t)(range->offset + done));
      if (written <= 0)
        goto failed;
      done += (size_t)written;
    }
    image.bytes += range->bytes;
  }
  struct stat status;
  const int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (fstat(file, &status) == 0 && fcntl(file, F_ADD_SEALS, seals) == 0
      && (fcntl(file, F_GET_SEALS) & seals) == seals) {
    image.inode = status.st_ino;
    return file;
  }
failed:;
  int number = errno;
  close(file);
  errno = number;
  return -1;
}

static long move_into_file(void) {
  int file = write_file();
  if (file < 0)
    return -errno;
  long result = -ENOMEM;
  void* original = mmap(NULL, image.bytes, PROT_READ, MAP_PRIVATE, file, 0);
  if (original == MAP_FAILED)
    goto out;
  for (size_t i = 0; i < image.count; ++i) {
    const struct range* range = &image.ranges[i];
    /* The mapping takes the place of memory with the same content, so that nobody notices. */
    if (mmap((void*)range->begin, range->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, file,
             (off_t)range->offset)
        == MAP_FAILED)
      break; /* the rest stays as it is */
  }
  /* All of it is mapped here, else the first shell would seem to need what the image takes; and only here, where
   * nothing is ever written: of such a mapping a fork copies no page tables. */
  madvise(original, image.bytes, MADV_POPULATE_READ);
  image.original = original;
  result = (long)image.bytes;
out:
  close(file);
  return result;
}

/* A thread that was joined can still be about to leave the kernel. */
static bool is_alone(int looks) {
  for (; looks > 0; --looks) {
    struct stat tasks;
    if (stat("/proc/self/task", &tasks) < 0)
      return false;
    if (tasks.st_nlink == task_links_of_one_thread)
      return true;
    nanosleep(&(struct timespec){0, 1000000}, NULL);
  }
  return false;
}

/* Bytes, or a negative errno: of work that neither a signal handler nor another thread may come between. */
static long undisturbed(int looks, long (*work)(struct walk*)) {
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  struct walk walk = {.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)};
  long result = walk.pagemap < 0 ? -errno : is_alone(looks) ? work(&walk) : -EBUSY;
  close(walk.pagemap);
  sigprocmask(SIG_SETMASK, &before, NULL);
  return result;
}

static long make(struct walk* walk) {
  return each_line("/proc/self/smaps", take_figures, walk) ? move_into_file() : -errno;
}

long varro_image_make(void) {
  if (image.original != NULL || sysconf(_SC_PAGESIZE) != page_bytes)
    return -EINVAL;
  return undisturbed(looks_of_interpreter, make);
}

/* Pages of a range that are copies without need, as many at once as stand together. */
static long give_back_range(const struct range* range, int pagemap) {
  size_t given = 0;
  for (size_t part = 0; part < range->bytes; part += pages_at_once * page_bytes) {
    size_t count = pages_to_read(range->bytes - part);
    if (!read_entries(pagemap, range->begin + part, count))
      return -errno;
    size_t run = 0; /* pages before i */
    for (size_t i = 0; i <= count; ++i) {
      char* page = (char*)range->begin + part + i * page_bytes;
      if (i < count && (image.pages[i] & is_present) != 0 && (image.pages[i] & is_of_file) == 0
          && memcmp(page, image.original + range->offset + part + i * page_bytes, page_bytes) == 0) {
        ++run;
        continue;
      }
      if (run > 0 && madvise(page - run * page_bytes, run * page_bytes, MADV_DONTNEED) < 0)
        return -errno;
      given += run * page_bytes;
      run = 0;
    }
  }
  return (long)given;
}

static long give_back(struct walk* walk) {
  image.count = 0;
  long result = each_line("/proc/self/maps", take_mapping, walk) ? 0 : -errno;
  for (size_t i = 0; i < image.count && result >= 0; ++i) {
    long given = give_back_range(&image.ranges[i], walk->pagemap);
    result = given < 0 ? given : result + given;
  }
  /* What was compared is no longer held twice. */
  madvise((void*)image.original, image.bytes, MADV_DONTNEED);
  return result;
}

long varro_image_give_back(void) {
  return image.original == NULL ? 0 : undisturbed(looks_of_shell, give_back);
}
