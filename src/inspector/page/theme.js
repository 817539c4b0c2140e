const dark = matchMedia('(prefers-color-scheme: dark)');

/** Light or dark as the system has it, until the reader chooses. */
export function followTheme(button) {
  const apply = () => {
    const theme = chosen() ?? (dark.matches ? 'dark' : 'light');
    document.documentElement.dataset.theme = theme;
    button.textContent = theme === 'dark' ? 'Light theme' : 'Dark theme';
  };
  button.addEventListener('click', () => {
    choose(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
    apply();
  });
  dark.addEventListener('change', apply);
  apply();
}

let chosenHere = null;

function chosen() {
  try {
    return localStorage.getItem('theme') ?? chosenHere;
  } catch {
    return chosenHere; // the browser keeps nothing for pages
  }
}

function choose(theme) {
  chosenHere = theme;
  try {
    localStorage.setItem('theme', theme);
  } catch {
    // it holds until the page is closed
  }
}
