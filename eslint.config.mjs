import jupyter from '@jupyter/eslint-plugin';
import prettier from 'eslint-config-prettier';
import hooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'labextension/lib/**',
      'labextension/src/api/types.ts',
      'labextension/src/api/schemas.ts'
    ]
  },
  ...tseslint.configs.recommended.map(config => ({
    ...config,
    files: ['labextension/**/*.{ts,tsx}']
  })),
  {
    files: ['labextension/src/**/*.{ts,tsx}'],
    plugins: { jupyter },
    // The first entry is for source; the others are for schemas and Galata tests.
    rules: {
      ...jupyter.configs.recommended[0].rules,
      // All our code is one small chunk (a test holds its size), so there is nothing to defer.
      'jupyter/prefer-lazy-imports': 'off'
    }
  },
  {
    files: ['labextension/**/*.{ts,tsx}'],
    plugins: { 'react-hooks': hooks },
    languageOptions: {
      parserOptions: {
        project: 'labextension/tsconfig.test.json',
        tsconfigRootDir: import.meta.dirname
      }
    },
    rules: {
      ...hooks.configs.recommended.rules,
      '@typescript-eslint/naming-convention': [
        'error',
        {
          selector: 'interface',
          format: ['PascalCase'],
          custom: { regex: '^I[A-Z]', match: true }
        }
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-namespace': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { args: 'none' }],
      '@typescript-eslint/no-floating-promises': 'error',
      curly: ['error', 'all'],
      eqeqeq: 'error',
      'prefer-arrow-callback': 'error'
    }
  },
  prettier
);
