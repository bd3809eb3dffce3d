"""The whole course: copy its notebooks, run them, write them as HTML pages, as a site, or as editions."""

from artnb.course.editions import stub, write_learner_edition
from artnb.course.notebooks import CourseError, find_notebooks, open_course
from artnb.course.pages import write_pages
from artnb.course.running import save
from artnb.course.site import write_site
from artnb.course.teacher import write_teacher_edition

__all__ = [
    "CourseError",
    "find_notebooks",
    "open_course",
    "save",
    "stub",
    "write_learner_edition",
    "write_pages",
    "write_site",
    "write_teacher_edition",
]
