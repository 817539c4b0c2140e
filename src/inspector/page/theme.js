const dark = matchMedia('(prefers-color-scheme: dark)');

/** Light or dark as the system has it, until the reader chooses. */
export function followTheme(button) {
  const apply = () => {
    const theme = localStorage.getItem('theme') ?? (dark.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === 'dark' ? 'Light theme' : 'Dark theme';
  };
  button.addEventListener('click', () => {
    localStorage.setItem('theme', document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
    apply();
  });
  dark.addEventListener('change', apply);
  apply();
}
