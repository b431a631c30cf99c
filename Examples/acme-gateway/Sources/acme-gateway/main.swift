import AcmePlugins
import Glibc
import PolluxApp
import PolluxCore

var registry = PluginRegistry.standard
registry.registerAcme()
exit(await GatewayCommand(registry: registry, program: "acme-gateway").main())
