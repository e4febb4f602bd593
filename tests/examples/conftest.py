"""What is no test here."""

collect_ignore = ["django_site.py"]  # settings of a site, which can be imported once
