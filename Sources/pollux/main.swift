import Glibc
import PolluxApp
import PolluxCore

let command = GatewayCommand(registry: .standard, demo: SimulatedDemo(), more: [SimulateCommand()])
exit(await command.main())
